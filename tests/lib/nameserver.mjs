// SPDX-License-Identifier: MIT
//
// A name server at ADDRESS, port 53, for which every name has the one IPv4 address ANSWER.
//
//   node nameserver.mjs ADDRESS ANSWER        "listening" when it does
import { createSocket } from 'node:dgram';

const TYPE_A = 1;
const [address, answer] = process.argv.slice(2);
const server = createSocket('udp4');

// The question goes back as it came: it ends with a name, its type and its class.
server.on('message', (query, peer) => {
  let end = 12;

  while (query[end] !== 0) end += query[end] + 1;
  end += 5;
  const isA = query.readUInt16BE(end - 4) === TYPE_A;
  const header = Buffer.from([query[0], query[1], 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
  const fixed = [0xc0, 12, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4];
  const record = isA ? Buffer.from([...fixed, ...answer.split('.').map(Number)]) : Buffer.alloc(0);

  server.send(Buffer.concat([header, query.subarray(12, end), record]), peer.port, peer.address);
});
server.on('error', (error) => {
  console.error(`nameserver: ${error.message}`);
  process.exit(1);
});
server.bind(53, address, () => console.log('listening'));
