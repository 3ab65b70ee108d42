'use strict';

const { DroverError } = require('./error');
const { fits } = require('./size');

// One frame has at most so many operations, where each key of getMany counts, so that neither side works on one for
// long. It is less than what drover allows.
const MAX_OPS = 500;
const STATS_COST = 100;
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
    this.cost = 0;
    this.scheduled = false;
    this.flush = () => this.send();
  }

  open({ maxMessageBytes }) {
    if (maxMessageBytes > 0) this.max = maxMessageBytes;
  }

  // run resolves to what take makes of the result of an operation. sized is its largest part, a value or keys.
  run(op, sized, take = whole) {
    return new Promise((resolve, reject) => this.add(op, OP_BYTES + (sized === undefined ? 0 : fits(sized, this.max)), { take, resolve, reject }));
  }

  add(op, bytes, waiter) {
    const cost = op[0] === 'getMany' ? op[2].length : op[0] === 'stats' ? STATS_COST : 1;
    if (this.ops.length > 0 && (this.cost + cost > MAX_OPS || this.bytes + bytes > this.max)) this.send();
    this.ops.push(op);
    this.waiters.push(waiter);
    this.cost += cost;
    this.bytes += bytes;
    if (this.scheduled) return;
    this.scheduled = true;
    process.nextTick(this.flush);
  }

  // alone resolves to the result of an operation that may take its time: others do not wait for it.
  alone(op) {
    this.send(); // what was asked for before comes before
    return new Promise((resolve, reject) => this.call([op], [{ take: whole, resolve, reject }]));
  }

  send() {
    this.scheduled = false;
    if (this.ops.length === 0) return;
    const { ops, waiters } = this;
    this.ops = [];
    this.waiters = [];
    this.bytes = 0;
    this.cost = 0;
    this.call(ops, waiters);
  }

  call(ops, waiters) {
    this.session.whenOpen(() => this.session.call({ drover: 'cache', id: 0, ops }, (err, reply) => {
      if (err) this.refused(ops, waiters, err);
      else for (let i = 0; i < ops.length; i++) this.settle(ops, i, waiters[i], reply.data[i]);
    }));
  }

  settle(ops, i, waiter, result) {
    if (result === null || typeof result !== 'object' || result.error === undefined) return waiter.resolve(waiter.take(result));
    // All results of a frame have a bound together. The first one is always given.
    if (result.error.code === 'too-large' && ops.length > 1 && READS.has(ops[i][0])) return this.add(ops[i], OP_BYTES, waiter);
    return waiter.reject(DroverError.from(result.error));
  }

  // refused is for frames of which nothing was done. Where one operation can be the cause, the others do not suffer.
  refused(ops, waiters, err) {
    const apart = ops.length > 1 && SPOILED.has(err.code);
    for (let i = 0; i < ops.length; i++) {
      if (apart) this.call([ops[i]], [waiters[i]]);
      else waiters[i].reject(err);
    }
  }
}

function whole(result) { return result; }

// What has results as large as the entries.
const READS = new Set(['get', 'getMany']);
// A value that is nested too deep, or half a surrogate pair in a string.
const SPOILED = new Set(['too-deep', 'bad-frame']);

module.exports = { Pipeline };
