// SPDX-License-Identifier: MIT
//
// Checks JSON Lines against a record schema, or schemas against JSON Schema 2020-12.
//
//   node validate.mjs SCHEMA <records.ndjson      exit 1 and one line for each that is wrong
//   node validate.mjs --schemas SCHEMA…
//
// Schemas may refer to their neighbours by file name.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function compile(path) {
  const ajv = new Ajv.default({ strict: false, allErrors: true });
  const directory = dirname(path);

  addFormats.default(ajv);
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.schema.json') && name !== basename(path))
      ajv.addSchema(read(join(directory, name)));
  }
  return ajv.compile(read(path));
}

function complain(where, errors) {
  for (const error of errors)
    console.log(`${where}: ${error.instancePath || '/'} ${error.message}`);
  process.exitCode = 1;
}

function checkSchemas(paths) {
  for (const path of paths) {
    try {
      compile(path);
    } catch (error) {
      complain(path, [{ message: error.message }]);
    }
  }
}

function checkRecords(path) {
  const valid = compile(path);
  const lines = readFileSync(0, 'utf8').split('\n').filter((line) => line !== '');

  if (lines.length === 0)
    complain('stdin', [{ message: 'has no records' }]);
  lines.forEach((line, index) => {
    if (!valid(JSON.parse(line)))
      complain(`line ${index + 1}`, valid.errors);
  });
}

const [first, ...rest] = process.argv.slice(2);
if (first === '--schemas')
  checkSchemas(rest);
else
  checkRecords(first);
