'use strict';

const { EventEmitter } = require('events');
const { connect } = require('../../lib/client');

const HELLO = { version: 1, worker: 'app-1.1', pool: 'app', slot: 1, generation: 1, maxMessageBytes: 1048576, maxDepth: 64, requestTimeoutMs: 5000, cache: true, encryption: 'off' };

// FakeLink is drover's side of the channel, in the test's hands.
class FakeLink {
  constructor() {
    this.lines = []; // what was sent, as it goes over the wire
    this.held = false;
    this.wakers = [];
  }

  start({ frame, closed }) {
    this.frame = frame;
    this.closed = closed;
  }

  send(frame) {
    this.lines.push(JSON.stringify(frame));
    for (const wake of this.wakers.splice(0)) wake();
  }

  hold() { this.held = true; }

  release() { this.held = false; }

  flush(done) { done(); }

  // receive gives the worker a line.
  receive(line) { this.frame(JSON.parse(typeof line === 'string' ? line : JSON.stringify(line))); }

  reply(id, data) { this.receive({ drover: 'reply', id, data }); }

  fail(id, code, message = code) { this.receive({ drover: 'reply', id, error: { code, message } }); }

  // next is the next line that is sent, or was sent and not taken yet.
  async next() {
    while (this.lines.length === 0) await new Promise((wake) => this.wakers.push(wake));
    return this.lines.shift();
  }

  async nextFrame() { return JSON.parse(await this.next()); }

  // silent says that nothing is sent before the event loop has turned.
  async silent() {
    for (let i = 0; i < 3; i++) await new Promise((done) => setImmediate(done));
    return this.lines.length === 0;
  }
}

// worker connects an SDK to a fake drover that has answered hello.
async function worker(hello = {}, { before = () => {} } = {}) {
  const link = new FakeLink();
  const proc = new EventEmitter();
  proc.exits = [];
  proc.exit = (code) => { proc.exits.push(code); proc.emit('exited'); };
  const me = { id: 'app-1.1', pool: 'app', slot: 1, generation: 1 };
  const drover = connect(link, me, proc);
  await link.next();
  before(link);
  link.reply(1, { ...HELLO, ...hello });
  return { link, drover, proc };
}

module.exports = { FakeLink, worker, HELLO };
