// SPDX-License-Identifier: MIT
//
// A receiver that means harm: one port for each behaviour of http.mjs, http2.mjs and tls.mjs.
//
//   node receiver.mjs --log FILE [--tls DIRECTORY]
//
// Prints one line {"name","url"} for each behaviour, then {"name":"ready"}. Logs one line
// {"name","id","attempt","whole"} for each request whose header came in: `id` and `attempt`
// are its webhook-id and webhook-attempt, `whole` whether the body had come in with it.
// With --tls (a directory that tests/receiver/certificates filled) it also serves what
// speaks TLS. Ends when it is told to, or after five minutes.
import { appendFileSync } from 'node:fs';
import net from 'node:net';
import { parseArgs } from 'node:util';
import { Peer } from './peer.mjs';
import { behaviours as http } from './http.mjs';
import { behaviours as http2, serve as serveHttp2 } from './http2.mjs';
import { behaviours as tls, serve as serveTls } from './tls.mjs';

const { log, tls: tlsDirectory } = parseArgs({
  options: { log: { type: 'string' }, tls: { type: 'string' } },
}).values;

function note(name, request) {
  appendFileSync(log, `${JSON.stringify({ name, ...request })}\n`);
}

function listen(server, name, scheme) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const url = `${scheme}://127.0.0.1:${server.address().port}/`;
      process.stdout.write(`${JSON.stringify({ name, url })}\n`);
      resolve();
    });
  });
}

// A behaviour ends with its connection, at whatever it is waiting for.
function servePlain(name, behaviour) {
  let connections = 0;

  return net.createServer({ noDelay: true }, (socket) => {
    const peer = new Peer(socket, (request) => note(name, request), (connections += 1));
    behaviour(peer).catch(() => socket.destroy());
  });
}

for (const [name, behaviour] of Object.entries(http))
  await listen(servePlain(name, behaviour), name, 'http');
if (tlsDirectory !== undefined) {
  for (const [name, behaviour] of Object.entries(http2))
    await listen(serveHttp2(behaviour, tlsDirectory, (r) => note(name, r)), name, 'https');
  for (const [name, behaviour] of Object.entries(tls))
    await listen(serveTls(behaviour, tlsDirectory, (r) => note(name, r)), name, 'https');
}
process.stdout.write('{"name":"ready"}\n');
setTimeout(() => process.exit(0), 300_000);
