// SPDX-License-Identifier: MIT
//
// Takes connections on all addresses of a network namespace, or on one address, and tells
// each: a JSON line when it is accepted, before anything is read, and one for its request.
//
//   node listener.mjs ADDRESS PORT >LOG        {"listening":PORT} first; PORT 0: a free one
import { createServer } from 'node:http';

const [address, port] = process.argv.slice(2);

function tell(what) {
  console.log(JSON.stringify(what));
}

const server = createServer((request, response) => {
  tell({ request: request.url, host: request.headers.host, id: request.headers['webhook-id'] });
  response.end();
});

server.on('connection', (socket) => tell({ accepted: socket.localAddress }));
server.on('error', (error) => {
  console.error(`listener: ${error.message}`);
  process.exit(1);
});
server.listen(Number(port), address, () => tell({ listening: server.address().port }));
