// SPDX-License-Identifier: MIT
//
// What can go wrong below HTTP, in and around the handshake. A behaviour is a function of
// the raw TCP socket and of `relay`, which lets so many bytes of a real server's side
// through and then calls what it was given.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { Peer } from './peer.mjs';

const ALERT_HANDSHAKE_FAILURE = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);
const ALERT_UNRECOGNIZED_NAME = Buffer.from([0x15, 3, 3, 0, 2, 2, 112]);

const onHello = (act) => (socket) => socket.once('data', () => act(socket));
const stallAfter = (bytes) => (socket, relay) => relay(bytes, () => {});
const closeAfter = (bytes) => (socket, relay) => relay(bytes, () => socket.end());
const resetAfter = (bytes) => (socket, relay) => relay(bytes, () => socket.resetAndDestroy());

export const behaviours = {
  'tls-healthy': (socket, relay) => relay(Infinity),
  'tls-silent': (socket) => socket.resume(),
  'tls-deaf': (socket) => socket.pause(),
  'tls-stall-in-record': stallAfter(3),
  'tls-stall-in-hello': stallAfter(60),
  'tls-stall-in-certificate': stallAfter(400),
  'tls-close-on-accept': (socket) => socket.end(),
  'tls-close-after-hello': onHello((socket) => socket.end()),
  'tls-close-in-hello': closeAfter(60),
  'tls-close-in-certificate': closeAfter(400),
  'tls-reset-on-accept': (socket) => socket.resetAndDestroy(),
  'tls-reset-after-hello': onHello((socket) => socket.resetAndDestroy()),
  'tls-reset-in-certificate': resetAfter(400),
  'tls-alert': onHello((socket) => socket.end(ALERT_HANDSHAKE_FAILURE)),
  'tls-alert-name': onHello((socket) => socket.end(ALERT_UNRECOGNIZED_NAME)),
  'tls-plain-http': onHello((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
  'tls-garbage': onHello((socket) => socket.end(Buffer.alloc(2000, 0xa5))),
  'tls-endless-garbage': onHello((socket) => {
    const pour = () => {
      while (socket.writable && socket.write(Buffer.alloc(16384, 0x16)));
    };

    socket.on('drain', pour);
    pour();
  }),
  'tls-slow': (socket, relay) => relay(Infinity, () => {}, 1000),
};

// Lets `left` bytes of the server's through, then calls `done`; `ms`: one byte each ms.
function pass(from, to, left, done, ms) {
  from.on('data', (bytes) => {
    const part = bytes.subarray(0, Math.min(left, bytes.length));

    left -= part.length;
    if (ms === undefined) to.write(part);
    else part.forEach((byte, n) => setTimeout(() => to.write(Buffer.from([byte])), n * ms));
    if (left === 0) {
      from.pause();
      done();
    }
  });
}

// The real server behind a behaviour's port, on a port of its own.
function realServer(directory, note) {
  const server = tls.createServer({
    key: readFileSync(`${directory}/server.key`),
    cert: readFileSync(`${directory}/server.pem`),
  }, (socket) => {
    const peer = new Peer(socket, note, 1);
    const run = async () => {
      for (;;) {
        await peer.request();
        peer.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
      }
    };

    run().catch(() => socket.destroy());
  });

  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  return server;
}

export function serve(behaviour, directory, note) {
  const server = realServer(directory, note);

  return net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    behaviour(socket, (bytes, done = () => {}, ms = undefined) => {
      const inner = net.connect(server.address().port, '127.0.0.1');

      inner.on('error', () => {});
      socket.on('close', () => inner.destroy());
      inner.on('close', () => (bytes === Infinity ? socket.end() : undefined));
      socket.pipe(inner);
      pass(inner, socket, bytes, done, ms);
    });
  });
}
