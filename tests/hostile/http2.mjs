// SPDX-License-Identifier: MIT
//
// What a server can do over HTTP/2, frame by frame, since no library would. A behaviour is an
// async function of a Stream2: its connection, and the number of its first request.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { Peer } from './peer.mjs';

const PREFACE_BYTES = 24;
const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, promise: 5, ping: 6, goaway: 7,
  window: 8, continuation: 9 };
const ERROR = { none: 0, protocol: 1, internal: 2, refused: 7, cancel: 8, calm: 11,
  http1: 13 };
const END_STREAM = 1;
const END_HEADERS = 4;
const STATUS_200 = Buffer.from([0x88]); // of HPACK's static table
const STATUS_413 = Buffer.concat([Buffer.from([0x08, 3]), Buffer.from('413')]);
const KILOBYTES_16 = Buffer.alloc(16384, 'x');

function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);

  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function number32(...values) {
  const bytes = Buffer.alloc(4 * values.length);

  values.forEach((value, index) => bytes.writeUInt32BE(value, 4 * index));
  return bytes;
}

// A literal header field, not indexed; for names and values of less than 127 bytes.
function field(name, value) {
  return Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name),
    Buffer.from([value.length]), Buffer.from(value)]);
}

const reset = (stream, error) => frame(TYPE.reset, 0, stream, number32(error));
const goaway = (last, error) => frame(TYPE.goaway, 0, 0, number32(last, error));
const answer = (stream) => Buffer.concat([
  frame(TYPE.headers, END_HEADERS, stream, STATUS_200),
  frame(TYPE.data, END_STREAM, stream, Buffer.from('fine'))]);

const refusal = (stream) => Buffer.concat([
  frame(TYPE.headers, END_HEADERS, stream, STATUS_413),
  frame(TYPE.data, END_STREAM, stream, Buffer.from('no'))]);
// Lets all of a request's body come.
const admit = (stream) => Buffer.concat([0, stream].map((each) =>
  frame(TYPE.window, 0, each, number32(1 << 23))));

// The client's frames, of which only a request's HEADERS are of interest. The header fields
// are packed, so the log says no more than that there was a request.
async function nextRequest(peer) {
  for (;;) {
    await peer.until((bytes) => bytes.length >= 9 &&
      bytes.length >= 9 + bytes.readUIntBE(0, 3));
    const type = peer.received[3];
    const stream = peer.received.readUInt32BE(5);

    peer.received = peer.received.subarray(9 + peer.received.readUIntBE(0, 3));
    if (type === TYPE.headers) {
      peer.note({});
      return stream;
    }
  }
}

const say = (bytes) => async (peer, stream) => {
  peer.write(bytes(stream));
  await peer.ignore();
};

const flood = (before, frames) => async (peer, stream) => {
  peer.write(before(stream));
  await peer.flood((n) => frames(stream, n));
};

const nothing = () => Buffer.alloc(0);

export const behaviours = {
  'h2-healthy': async (peer, first) => {
    for (let stream = first; ; stream = await nextRequest(peer)) peer.write(answer(stream));
  },
  'h2-silent': say(nothing),
  'h2-stall-in-body': say((stream) => frame(TYPE.headers, END_HEADERS, stream, STATUS_200)),
  'h2-stall-in-headers': say((stream) => frame(TYPE.headers, 0, stream, STATUS_200)),
  'h2-refused': say((stream) => reset(stream, ERROR.refused)),
  'h2-cancelled': say((stream) => reset(stream, ERROR.cancel)),
  'h2-internal-error': say((stream) => reset(stream, ERROR.internal)),
  'h2-calm': say((stream) => reset(stream, ERROR.calm)),
  'h2-http1-required': say((stream) => reset(stream, ERROR.http1)),
  'h2-reset-in-body': say((stream) => Buffer.concat([
    frame(TYPE.headers, END_HEADERS, stream, STATUS_200),
    frame(TYPE.data, 0, stream, Buffer.from('half')), reset(stream, ERROR.internal)])),
  'h2-reset-flood': flood(nothing, (stream, n) => reset(2 * n + 1, ERROR.cancel)),
  'h2-goaway': say(() => goaway(0, ERROR.none)),
  'h2-goaway-angry': say((stream) => goaway(stream, ERROR.calm)),
  'h2-goaway-in-body': async (peer, stream) => {
    peer.write(frame(TYPE.headers, END_HEADERS, stream, STATUS_200));
    peer.write(goaway(stream, ERROR.internal));
    peer.close();
  },
  'h2-goaway-then-answer': say((stream) => Buffer.concat([goaway(stream, ERROR.none),
    answer(stream)])),
  // The whole answer, while most of the request is still to come.
  'upload-h2-answered-early': say((stream) => Buffer.concat([answer(stream), admit(stream)])),
  'upload-h2-goaway-answered-early': say((stream) => Buffer.concat([goaway(stream, ERROR.none),
    answer(stream), admit(stream)])),
  'upload-h2-answered-and-reset': say((stream) => Buffer.concat([answer(stream),
    reset(stream, ERROR.none)])),
  'upload-h2-answered-then-reset': async (peer, stream) => {
    peer.write(answer(stream));
    await peer.pause(50); // or the client sees both at once
    peer.write(reset(stream, ERROR.none));
    await peer.ignore();
  },
  'upload-h2-refused-early': say((stream) => Buffer.concat([refusal(stream), admit(stream)])),
  'upload-h2-refused-and-reset': say((stream) => Buffer.concat([refusal(stream),
    reset(stream, ERROR.none)])),
  'h2-ping-flood': flood(nothing, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8))),
  'h2-settings-flood': flood(nothing, () => frame(TYPE.settings, 0, 0)),
  'h2-window-flood': flood(nothing, () => frame(TYPE.window, 0, 0, number32(1))),
  'h2-empty-data-flood': flood((stream) => frame(TYPE.headers, END_HEADERS, stream, STATUS_200),
    (stream) => frame(TYPE.data, 0, stream)),
  'h2-endless-continuation': flood(
    (stream) => frame(TYPE.headers, 0, stream, STATUS_200),
    (stream) => frame(TYPE.continuation, 0, stream, field('x', 'y'.repeat(100)))),
  'h2-empty-continuation': flood((stream) => frame(TYPE.headers, 0, stream, STATUS_200),
    (stream) => frame(TYPE.continuation, 0, stream)),
  'h2-huge-headers': say((stream) => Buffer.concat([
    frame(TYPE.headers, 0, stream, STATUS_200),
    ...Array.from({ length: 40 }, () => frame(TYPE.continuation, 0, stream,
      Buffer.concat(Array.from({ length: 150 }, () => field('x', 'y'.repeat(100)))))),
    frame(TYPE.continuation, END_HEADERS, stream)])),
  // One field of 4 KB goes into the table and is then named again by one byte each.
  'h2-header-bomb': say((stream) => {
    const size = 4000;
    const first = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from('x'),
      Buffer.from([0x7f, ((size - 127) & 0x7f) | 0x80, (size - 127) >> 7]),
      Buffer.alloc(size, 'y')]);

    return frame(TYPE.headers, END_HEADERS | END_STREAM, stream,
      Buffer.concat([STATUS_200, first, Buffer.alloc(12000, 0xbe)]));
  }),
  'upload-h2-window-zero': say(nothing),
  'h2-no-status': say((stream) => frame(TYPE.headers, END_HEADERS | END_STREAM, stream,
    field('x', 'y'))),
  'h2-data-first': say((stream) => frame(TYPE.data, END_STREAM, stream, Buffer.from('fine'))),
  'h2-promise': say((stream) => frame(TYPE.promise, END_HEADERS, stream,
    Buffer.concat([number32(2), STATUS_200]))),
  'h2-too-large-frame': say((stream) => frame(TYPE.data, 0, stream, Buffer.alloc(1 << 20))),
  'h2-http1-answer': say(() => 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'),
  'h2-endless-body': async (peer, stream) => {
    peer.write(frame(TYPE.headers, END_HEADERS, stream, STATUS_200));
    await peer.flood(() => frame(TYPE.data, 0, stream, KILOBYTES_16));
  },
  'h2-close': async (peer) => peer.close(),
};

// 'h2-http1-required' has HTTP/1.1, too, for who asks for it.
export function serve(behaviour, directory, note) {
  const options = {
    key: readFileSync(`${directory}/server.key`),
    cert: readFileSync(`${directory}/server.pem`),
    ALPNProtocols: ['h2', 'http/1.1'],
  };
  const windowZero = behaviour === behaviours['upload-h2-window-zero'];

  return tls.createServer(options, (socket) => {
    const peer = new Peer(socket, note, 1);

    run(peer).catch(() => socket.destroy());
  }).on('tlsClientError', () => {});

  async function run(peer) {
    if (peer.socket.alpnProtocol !== 'h2') {
      await peer.request();
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
      return;
    }
    await peer.until((bytes) => bytes.length >= PREFACE_BYTES);
    peer.received = peer.received.subarray(PREFACE_BYTES);
    peer.write(frame(TYPE.settings, 0, 0, windowZero
      ? Buffer.concat([Buffer.from([0, 4]), number32(0)]) : undefined));
    await behaviour(peer, await nextRequest(peer));
  }
}
