// SPDX-License-Identifier: MIT
//
// TLS servers of which a client must refuse all but the first, one port for each.
//
//   node verified.mjs --log FILE --tls DIRECTORY
//
// Prints one line {"name","url"} for each, then {"name":"ready"}. Logs the name of a server
// for each piece of data that it could decrypt: what a client that refused it never sends.
// DIRECTORY is as tests/receiver/certificates filled it. Ends after five minutes.
import { appendFileSync, readFileSync } from 'node:fs';
import tls from 'node:tls';
import { parseArgs } from 'node:util';

const { log, tls: directory } = parseArgs({
  options: { log: { type: 'string' }, tls: { type: 'string' } },
}).values;

const read = (file) => readFileSync(`${directory}/${file}`);
const ANYTHING_GOES = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' };
const MUTUAL = { requestCert: true, rejectUnauthorized: true, ca: read('ca.pem') };

const servers = {
  right: { certificate: 'server' },
  expired: {},
  'not-yet': {},
  'wrong-host': {},
  'self-signed': {},
  'other-server': {},
  'weak-key': ANYTHING_GOES,
  'weak-digest': ANYTHING_GOES,
  'tls-1.0': { certificate: 'server', ...ANYTHING_GOES, maxVersion: 'TLSv1' },
  'tls-1.1': { certificate: 'server', ...ANYTHING_GOES, maxVersion: 'TLSv1.1' },
  'mutual-1.2': { certificate: 'server', ...MUTUAL, maxVersion: 'TLSv1.2' },
  'mutual-1.3': { certificate: 'server', ...MUTUAL, minVersion: 'TLSv1.3' },
};

function listen(name, { certificate = name, ...options }) {
  const server = tls.createServer(
    { cert: read(`${certificate}.pem`), key: read(`${certificate}.key`), ...options },
    (socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        appendFileSync(log, `${name}\n`);
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine');
      });
    },
  );

  server.on('tlsClientError', () => {});
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const url = `https://127.0.0.1:${server.address().port}/`;
      process.stdout.write(`${JSON.stringify({ name, url })}\n`);
      resolve();
    });
  });
}

for (const [name, options] of Object.entries(servers)) await listen(name, options);
process.stdout.write('{"name":"ready"}\n');
setTimeout(() => process.exit(0), 300_000);
