// SPDX-License-Identifier: MIT
//
// What a server can do over plain HTTP/1. A behaviour is an async function of a Peer (and
// of what it may remember from one connection to the next); what it should come to for the
// worker stands in expected.tsv under the same name.
import zlib from 'node:zlib';

const GIGABYTES_10 = 10 * 1024 ** 3;
const OK = 'HTTP/1.1 200 OK\r\n';
const EMPTY = `${OK}Content-Length: 0\r\n\r\n`;
const SHORT = `${OK}Content-Length: 4\r\n\r\nfine`;
const KILOBYTES_16 = 'x'.repeat(16384);

// Answers each request with the same bytes, over kept connections.
const answer = (bytes) => async (peer) => {
  for (;;) {
    await peer.request();
    peer.write(bytes);
  }
};

// Says those bytes and then no more, with the connection open.
const stall = (bytes) => async (peer) => {
  await peer.request();
  peer.write(bytes);
  await peer.ignore();
};

const closeAfter = (bytes) => async (peer) => {
  await peer.request();
  peer.write(bytes);
  peer.close();
};

const resetAfter = (bytes) => async (peer) => {
  await peer.request();
  peer.write(bytes);
  await peer.pause(50); // a reset takes what the client has not read with it
  await peer.reset();
};

const trickle = (before, slow) => async (peer) => {
  await peer.request();
  peer.write(before);
  await peer.trickle(slow, 1000);
  await peer.ignore();
};

const flood = (before, chunk, times) => async (peer) => {
  await peer.request();
  peer.write(before);
  await peer.flood(chunk, times);
};

// A gigabyte of zeros, about a thousandth of it on the wire.
const bomb = (compress, field) => {
  const packed = compress(Buffer.alloc(1024 ** 2)).toString('latin1');

  return flood(`${OK}${field}\r\nContent-Length: ${packed.length * 1024}\r\n\r\n`,
    () => packed, 1024);
};

// The first request of a connection is answered; what follows is `then(peer)`.
const kept = (first, then) => async (peer) => {
  await peer.request();
  peer.write(peer.number === 1 ? first : SHORT);
  await (peer.number === 1 ? then : answer(SHORT))(peer);
};

export const behaviours = {
  healthy: answer(SHORT),

  // Never answers, or never to the end.
  silent: stall(''),
  deaf: async (peer) => {
    peer.socket.pause();
    await peer.ignore();
  },
  'upload-deaf': async (peer) => {
    await peer.header();
    peer.socket.pause();
    await peer.ignore();
  },
  'stall-in-status-line': stall('HTTP/1.1 20'),
  'stall-in-headers': stall(`${OK}Content-Le`),
  'stall-in-body': stall(`${OK}Content-Length: 10\r\n\r\nhalf`),
  'stall-in-chunk': stall(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhalf`),
  'stall-without-length': stall(`${OK}\r\nnobody knows how long this is`),

  // One byte a second.
  'slow-status-line': trickle('', SHORT),
  'slow-headers': trickle(OK, 'Content-Length: 0\r\n\r\n'),
  'slow-body': trickle(`${OK}Content-Length: 100\r\n\r\n`, 'x'.repeat(100)),
  'slow-chunks': trickle(`${OK}Transfer-Encoding: chunked\r\n\r\n64\r\n`, 'x'.repeat(100)),
  'slow-informational': async (peer) => {
    await peer.request();
    for (;;) {
      peer.write('HTTP/1.1 102 Processing\r\n\r\n');
      await peer.pause(500);
    }
  },

  // Too much.
  'endless-headers': flood(OK, (n) => `X-${n}: ${'x'.repeat(1000)}\r\n`),
  'endless-header-line': flood(`${OK}X: `, () => KILOBYTES_16),
  'endless-status-line': flood('HTTP/1.1 200 ', () => KILOBYTES_16),
  'endless-folded-header': flood(`${OK}X: 1\r\n`, () => ' more of the same\r\n'.repeat(99)),
  'endless-informational': flood('', () => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(99)),
  'endless-hints': flood('', () => 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(99)),
  'endless-trailers': flood(`${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n`,
    (n) => `X-${n}: ${'x'.repeat(1000)}\r\n`),
  'endless-chunk-extension': flood(`${OK}Transfer-Encoding: chunked\r\n\r\n4;x=`,
    () => KILOBYTES_16),
  'endless-chunks': flood(`${OK}Transfer-Encoding: chunked\r\n\r\n`,
    () => `4000\r\n${KILOBYTES_16}\r\n`),
  'endless-tiny-chunks': flood(`${OK}Transfer-Encoding: chunked\r\n\r\n`, () => '1\r\nx\r\n'.repeat(2000)),
  'endless-without-length': flood(`${OK}\r\n`, () => KILOBYTES_16),
  'endless-404': flood('HTTP/1.1 404 Not Found\r\n\r\n', () => KILOBYTES_16),
  'endless-503': flood('HTTP/1.1 503 Busy\r\n\r\n', () => KILOBYTES_16),
  'ten-gigabytes': flood(`${OK}Content-Length: ${GIGABYTES_10}\r\n\r\n`, () => KILOBYTES_16,
    GIGABYTES_10 / KILOBYTES_16.length),

  // Compressed, though nobody asked for it.
  'gzip-bomb': bomb(zlib.gzipSync, 'Content-Encoding: gzip'),
  'deflate-bomb': bomb(zlib.deflateSync, 'Content-Encoding: deflate'),
  'br-bomb': bomb(zlib.brotliCompressSync, 'Content-Encoding: br'),
  'gzip-bomb-in-layers': bomb((zeros) => zlib.gzipSync(zlib.gzipSync(zeros)),
    'Content-Encoding: gzip, gzip'),
  'gzip-bomb-for-transfer': flood(
    `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    (() => {
      const packed = zlib.gzipSync(Buffer.alloc(32 * 1024 ** 2)).toString('latin1');
      const chunk = `${packed.length.toString(16)}\r\n${packed}\r\n`;
      return () => chunk;
    })(), 1),

  // Interim responses, asked for or not.
  'continue-unasked': answer(`HTTP/1.1 100 Continue\r\n\r\n${SHORT}`),
  'continue-twice': answer(`${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2)}${SHORT}`),
  'continue-after-final': answer(`${SHORT}HTTP/1.1 100 Continue\r\n\r\n`),
  'hints-first': answer(`${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(10)}${SHORT}`),
  'switching-protocols': closeAfter(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
  'upload-refused-early': async (peer) => {
    await peer.header();
    peer.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n');
    await peer.ignore();
  },
  'expectation-failed': answer('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'),

  // Not HTTP, or not quite.
  garbage: closeAfter('\x16\x03\x01\x02\x00 what is this \xff\xfe\r\n\r\n'),
  'http-0.9': closeAfter('<html>hello</html>'),
  'ssh-banner': stall('SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n'),
  'bad-version': closeAfter('HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n'),
  'no-status': closeAfter('HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n'),
  'status-000': closeAfter('HTTP/1.1 000 None\r\nContent-Length: 0\r\n\r\n'),
  'status-099': closeAfter('HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n'),
  'status-1000': closeAfter('HTTP/1.1 1000 High\r\nContent-Length: 0\r\n\r\n'),
  'status-minus': closeAfter('HTTP/1.1 -20 Minus\r\nContent-Length: 0\r\n\r\n'),
  'status-700': answer('HTTP/1.1 700 High\r\nContent-Length: 0\r\n\r\n'),
  'no-reason': answer('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n'),
  'negative-length': closeAfter(`${OK}Content-Length: -1\r\n\r\n`),
  'length-in-words': closeAfter(`${OK}Content-Length: four\r\n\r\nfine`),
  'overflowing-length': stall(`${OK}Content-Length: 99999999999999999999999\r\n\r\n`),
  'bad-chunk-size': closeAfter(`${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nfine\r\n`),
  'overflowing-chunk-size': stall(
    `${OK}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx`),
  'negative-chunk-size': closeAfter(`${OK}Transfer-Encoding: chunked\r\n\r\n-5\r\nfine\r\n`),
  'nul-in-header': closeAfter(`${OK}X: a\0b\r\nContent-Length: 0\r\n\r\n`),
  'header-without-colon': closeAfter(`${OK}nonsense\r\nContent-Length: 0\r\n\r\n`),
  'folded-header': answer(`${OK}X: one\r\n  two\r\nContent-Length: 0\r\n\r\n`),
  'lf-only': answer('HTTP/1.1 200 OK\nContent-Length: 4\n\nfine'),
  'unknown-transfer-coding': closeAfter(`${OK}Transfer-Encoding: rot13\r\n\r\nsvar`),
  'bad-transfer-coding': closeAfter(`${OK}Transfer-Encoding: gzip, chunked\r\n\r\n` +
    '4\r\nfine\r\n0\r\n\r\n'),
  'length-and-chunks': answer(
    `${OK}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n`),

  // Reset at each phase.
  'reset-on-accept': async (peer) => peer.reset(),
  'reset-after-request': resetAfter(''),
  'upload-reset': async (peer) => {
    await peer.header();
    await peer.reset();
  },
  'reset-in-status-line': resetAfter('HTTP/1.1 20'),
  'reset-in-headers': resetAfter(`${OK}Content-Le`),
  'reset-in-body': resetAfter(`${OK}Content-Length: 10\r\n\r\nhalf`),
  'reset-after-answer': resetAfter(SHORT),

  // Closed at each phase.
  'close-on-accept': async (peer) => peer.close(),
  'close-after-request': closeAfter(''),
  'upload-close': async (peer) => {
    await peer.header();
    peer.close();
  },
  'close-in-status-line': closeAfter('HTTP/1.1 20'),
  'close-in-headers': closeAfter(`${OK}Content-Le`),
  'close-after-status-line': closeAfter(OK),
  'close-in-body': closeAfter(`${OK}Content-Length: 10\r\n\r\nhalf`),
  'close-in-chunk': closeAfter(`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhalf`),
  'close-in-503': closeAfter('HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nhalf'),
  'close-after-answer': closeAfter(SHORT),

  // Elsewhere.
  'redirect-to-metadata': answer('HTTP/1.1 302 Found\r\nContent-Length: 0\r\n' +
    'Location: http://169.254.169.254/latest/meta-data/\r\n\r\n'),
  'redirect-to-file': answer('HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n' +
    'Location: file:///etc/passwd\r\n\r\n'),
  'redirect-to-itself': answer('HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\n' +
    'Location: /\r\n\r\n'),
  'refresh-and-alternative': answer(`${OK}Alt-Svc: h2="127.0.0.1:1"; ma=86400\r\n` +
    'Refresh: 0; url=http://127.0.0.1:1/\r\nStrict-Transport-Security: max-age=9\r\n' +
    'Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n'),
  'asks-for-password': answer('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n' +
    'WWW-Authenticate: Basic realm="x"\r\nWWW-Authenticate: NTLM\r\n\r\n'),

  // A kept connection that is not what it was. Each plays on the port's first connection.
  'kept-closed': kept(SHORT, async (peer) => peer.close()),
  'kept-said-close': kept(`${OK}Connection: close\r\nContent-Length: 4\r\n\r\nfine`,
    async (peer) => peer.close()),
  'kept-closed-on-request': kept(SHORT, async (peer) => {
    await peer.request();
    peer.close();
  }),
  'kept-reset-on-request': kept(SHORT, async (peer) => {
    await peer.request();
    await peer.reset();
  }),
  'kept-second-answer': kept(SHORT, async (peer) => {
    await peer.pause(20);
    peer.write(EMPTY);
    peer.note({ said: 'kept-second-answer' });
    await answer(SHORT)(peer);
  }),
  'kept-second-answer-at-once': kept(EMPTY + EMPTY + EMPTY, answer(SHORT)),
  'kept-second-answer-behind-much': kept(
    EMPTY + `X: ${'x'.repeat(3900)}\r\n\r\n` + EMPTY + EMPTY + EMPTY + EMPTY, answer(SHORT)),
  'kept-timeout-notice': kept(SHORT, async (peer) => {
    await peer.pause(20);
    peer.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
    peer.note({ said: 'kept-timeout-notice' });
    peer.close();
  }),
};
