'use strict';

const { DroverError } = require('./error');
const { fits } = require('./size');

// One frame has at most so many operations, so that neither side works on one for long.
const MAX_OPS = 500;
// What an operation takes in a frame beside its value: names and options.
const OP_BYTES = 256;

// Pipeline sends operations on the cache. What is asked for within one turn of the event loop goes out as one frame.
class Pipeline {
  constructor(session) {
    this.session = session;
    this.max = Infinity;
    this.ops = [];
    this.waiters = [];
    this.bytes = 0;
    this.scheduled = false;
    this.flush = () => this.send();
  }

  open({ maxMessageBytes }) {
    if (maxMessageBytes > 0) this.max = maxMessageBytes;
  }

  // run resolves to the result of an operation. sized is its largest part, a value or keys.
  run(op, sized) {
    return new Promise((resolve, reject) => {
      const bytes = OP_BYTES + (sized === undefined ? 0 : fits(sized, this.max));
      if (this.ops.length > 0 && (this.ops.length >= MAX_OPS || this.bytes + bytes > this.max)) this.send();
      this.ops.push(op);
      this.waiters.push(resolve, reject);
      this.bytes += bytes;
      if (this.scheduled) return;
      this.scheduled = true;
      process.nextTick(this.flush);
    });
  }

  // alone resolves to the result of an operation that may take its time: others do not wait for it.
  alone(op) {
    this.send(); // what was asked for before comes before
    return new Promise((resolve, reject) => this.call([op], [resolve, reject]));
  }

  send() {
    this.scheduled = false;
    if (this.ops.length === 0) return;
    const { ops, waiters } = this;
    this.ops = [];
    this.waiters = [];
    this.bytes = 0;
    this.call(ops, waiters);
  }

  call(ops, waiters) {
    this.session.whenOpen(() => this.session.call({ drover: 'cache', ops }, (err, reply) => {
      for (let i = 0; i < ops.length; i++) {
        const result = err ? undefined : reply.data[i];
        if (err) waiters[2 * i + 1](err);
        else if (result !== null && typeof result === 'object' && result.error !== undefined) waiters[2 * i + 1](DroverError.from(result.error));
        else waiters[2 * i](result);
      }
    }));
  }
}

module.exports = { Pipeline };
