// SPDX-License-Identifier: MIT
//
// One connection of a client, as a behaviour sees it: requests come in, bytes go out.
// Whatever waits when the connection ends is rejected, and the behaviour with it.
import { once } from 'node:events';

export class Peer {
  // `number`: the how manieth connection to this port it is.
  constructor(socket, note, number) {
    this.socket = socket;
    this.note = note;
    this.number = number;
    this.received = Buffer.alloc(0);
    this.wake = () => {};
    socket.on('data', (bytes) => {
      this.received = Buffer.concat([this.received, bytes]);
      this.wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  // Waits until `found(received)` is true of what has come in.
  async until(found) {
    while (!found(this.received)) {
      if (this.closed) throw new Error('closed');
      await new Promise((resolve) => {
        this.wake = resolve;
      });
    }
  }

  // The header of the next request; its body is read by body().
  async header() {
    await this.until((bytes) => bytes.includes('\r\n\r\n'));
    const end = this.received.indexOf('\r\n\r\n') + 4;
    const text = this.received.toString('latin1', 0, end);
    const field = (name) => new RegExp(`^${name}: *(.*)\r$`, 'im').exec(text)?.[1];

    this.received = this.received.subarray(end);
    this.bodyBytes = Number(field('content-length') ?? 0);
    this.note({
      id: field('webhook-id'),
      attempt: Number(field('webhook-attempt')),
      whole: this.received.length >= this.bodyBytes,
    });
  }

  async body() {
    await this.until((bytes) => bytes.length >= this.bodyBytes);
    this.received = this.received.subarray(this.bodyBytes);
  }

  async request() {
    await this.header();
    await this.body();
  }

  write(bytes) {
    this.socket.write(bytes, typeof bytes === 'string' ? 'latin1' : undefined);
  }

  // Writes what `chunk(n)` returns for n = 0, 1, 2 …, as fast as it is taken, for ever.
  async flood(chunk, times = Infinity) {
    for (let n = 0; n < times; n += 1) {
      if (!this.socket.write(chunk(n), 'latin1')) await this.drained();
      if (n % 64 === 63) await this.pause(1); // there are others in this process
    }
  }

  async drained() {
    await Promise.race([once(this.socket, 'drain'), once(this.socket, 'close')]);
    if (this.closed) throw new Error('closed');
  }

  // One byte each `ms` milliseconds: this is how slow it is, not a wait for something.
  async trickle(text, ms) {
    for (const character of text) {
      this.write(character);
      await this.pause(ms);
    }
  }

  async pause(ms) {
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    if (this.closed) throw new Error('closed');
  }

  close() {
    this.socket.end();
  }

  // With what was written on its way first.
  async reset() {
    if (this.socket.writableLength > 0) await this.drained();
    this.socket.resetAndDestroy();
  }

  // Takes whatever comes and says nothing more.
  async ignore() {
    await this.until(() => false);
  }
}
