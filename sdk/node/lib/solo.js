'use strict';

const { WORKER } = require('./names');
const { Store } = require('./store');

const MAX_BYTES = 1024 * 1024;
const REQUEST_MS = 5_000;

// Solo is the link of a process that no drover has started: a cluster of one. It answers frames as drover would if
// there were no other worker. What is sent goes through JSON, as it does over a channel.
class Solo {
  constructor(worker) {
    this.kind = 'solo';
    this.worker = worker;
    this.store = new Store();
    this.sends = new Map(); // by seq: messages to ourselves that are not acknowledged yet
    this.requests = new Map(); // by id: requests to ourselves
    this.lastID = 0;
  }

  start({ frame }) { this.deliver = frame; }

  // Replies come later, as they do from another process, and in order.
  send(frame) {
    const text = JSON.stringify(frame);
    queueMicrotask(() => this.take(JSON.parse(text)));
  }

  hold() {}

  release() {}

  flush(done) { done(); }

  reply(id, data) { if (id !== undefined) this.deliver({ drover: 'reply', id, data }); }

  fail(id, code, message) { if (id !== undefined) this.deliver({ drover: 'reply', id, error: { code, message } }); }

  take(frame) {
    switch (frame.drover) {
      case 'hello': {
        const { id, pool, slot, generation } = this.worker;
        return this.reply(frame.id, { version: 1, worker: id, pool, slot, generation, maxMessageBytes: MAX_BYTES, maxDepth: 64, requestTimeoutMs: REQUEST_MS, cache: true, encryption: 'off' });
      }
      case 'broadcast':
      case 'publish': return this.reply(frame.id, { received: 0, sent: 0, failed: [] });
      case 'subscribe':
      case 'unsubscribe': return this.reply(frame.id, {});
      case 'send': return this.forward(frame);
      case 'request': return this.request(frame);
      case 'response': return this.settle(frame.id, frame);
      case 'cancel': return this.cancel(frame.id);
      case 'ack':
      case 'nack': return this.acknowledge(frame);
      case 'cache': return this.store.serve(frame.ops, (results) => this.reply(frame.id, results));
      default: return undefined; // ready, metrics: nobody is there to hear them
    }
  }

  // means says whether a frame is for this very worker.
  means({ worker }) {
    const named = WORKER.exec(worker || '');
    return named !== null && named[1] === this.worker.pool && Number(named[2]) === this.worker.slot && (named[3] === undefined || Number(named[3]) === this.worker.generation);
  }

  missing(frame) {
    this.fail(frame.id, 'no-target', frame.worker === undefined ? 'there is no other worker: this is a cluster of one' : `there is no worker ${frame.worker}: this is a cluster of one`);
  }

  forward(frame) {
    if (!this.means(frame)) return this.missing(frame);
    const seq = ++this.lastID;
    this.sends.set(seq, frame.id);
    this.deliver({ drover: 'message', seq, from: this.worker.id, type: frame.type, data: frame.data });
  }

  // acknowledge ends what came up to seq; an error is of the last one.
  acknowledge({ seq: last, error }) {
    for (const [seq, id] of this.sends) {
      if (seq > last) return;
      this.sends.delete(seq);
      if (error && seq === last) this.fail(id, error.code, error.message);
      else this.reply(id, { worker: this.worker.id, acknowledged: true });
    }
  }

  request(frame) {
    if (!this.means(frame)) return this.missing(frame);
    const id = ++this.lastID;
    const timeout = frame.timeoutMs || REQUEST_MS;
    const timer = setTimeout(() => {
      this.deliver({ drover: 'cancel', id });
      this.settle(id, { error: { code: 'timeout', message: `no answer within ${timeout} ms` } });
    }, timeout);
    this.requests.set(id, { frame, timer });
    this.deliver({ drover: 'request', id, from: this.worker.id, type: frame.type, data: frame.data });
  }

  settle(id, { data, error }) {
    const asked = this.requests.get(id);
    if (asked === undefined) return;
    this.requests.delete(id);
    clearTimeout(asked.timer);
    if (error) this.fail(asked.frame.id, error.code, error.message);
    else this.deliver({ drover: 'reply', id: asked.frame.id, from: this.worker.id, data });
  }

  cancel(requestID) {
    for (const [id, { frame }] of this.requests) {
      if (frame.id !== requestID) continue;
      this.deliver({ drover: 'cancel', id });
      this.settle(id, { error: { code: 'cancelled', message: 'the request was cancelled' } });
    }
  }
}

module.exports = { Solo };
