'use strict';

// The same bounds as drover's.
const NAMESPACE = /^[A-Za-z0-9._-]{1,64}$/;
const MAX_NAMESPACES = 100;
const MAX_KEY = 1024;
const MAX_TAGS = 32;
const LEASE_MS = 30_000;
const WAIT_MS = 5_000;

// Store is the shared cache of a cluster of one: the operations of a cache frame, in memory. It forgets by time and
// tag alone; it is not bounded.
class Store {
  constructor(now = Date.now) {
    this.now = now;
    this.spaces = new Map(); // by namespace: entries by key, { text, expires, tags }
    this.leases = new Map(); // by namespace and key: { lease, timer, waiting }
    this.lastLease = 0;
    this.hits = 0;
    this.misses = 0;
  }

  // serve runs the operations of one frame; reply is called once with the results.
  serve(ops, reply) {
    const results = new Array(ops.length);
    let left = ops.length;
    if (left === 0) return reply(results);
    ops.forEach((op, i) => {
      this.run(op, (result) => {
        results[i] = result;
        if (--left === 0) reply(results);
      });
    });
  }

  run(op, done) {
    const name = Array.isArray(op) ? op[0] : undefined;
    if (name === 'stats') return done(this.stats());
    if (!Object.hasOwn(OPERATIONS, name)) return done(fault('bad-operation', `there is no operation ${JSON.stringify(name)}`));
    const space = this.space(op[1]);
    if (space.error) return done(space);
    if (OPERATIONS[name] && !validKey(op[2])) return done(fault('bad-operation', `a key has 1 to ${MAX_KEY} bytes`));
    if (name === 'lease') return this.lease(space, op[1], op[2], op[3] || {}, done);
    done(this[name](space, ...op.slice(1)));
  }

  space(name) {
    if (typeof name !== 'string' || !NAMESPACE.test(name)) return fault('bad-operation', `${JSON.stringify(name)} is no name of a namespace`);
    let space = this.spaces.get(name);
    if (space === undefined) {
      if (this.spaces.size >= MAX_NAMESPACES) return fault('too-many-namespaces', `there are ${MAX_NAMESPACES} namespaces already`);
      this.spaces.set(name, (space = new Map()));
    }
    return space;
  }

  // live is an entry that has not expired.
  live(space, key) {
    const entry = space.get(key);
    if (entry === undefined || entry.expires > this.now()) return entry;
    space.delete(key);
    return undefined;
  }

  get(space, ns, key) {
    const entry = this.live(space, key);
    if (entry === undefined) {
      this.misses++;
      return null;
    }
    this.hits++;
    const value = JSON.parse(entry.text);
    return entry.expires === Infinity ? [value] : [value, entry.expires - this.now()];
  }

  getMany(space, ns, keys) { return keys.map((key) => this.get(space, ns, key)); }

  set(space, ns, key, value, options = {}) {
    const entry = this.entry(value, options);
    if (entry.error) return entry;
    const open = this.leases.get(leaseKey(ns, key));
    if (options.lease !== undefined && (!open || open.lease !== options.lease)) return fault('lease-lost', 'the lease has ended or is of somebody else');
    space.set(key, entry);
    if (open && options.lease === open.lease) this.settle(ns, key, (wait) => wait(this.get(space, ns, key)));
    return true;
  }

  entry(value, { ttlMs = 0, tags = [] }) {
    if (!(ttlMs >= 0)) return fault('bad-operation', 'ttlMs is less than 0');
    if (!Array.isArray(tags) || tags.length > MAX_TAGS) return fault('bad-operation', `an entry has at most ${MAX_TAGS} tags`);
    return { text: JSON.stringify(value), expires: ttlMs > 0 ? this.now() + ttlMs : Infinity, tags };
  }

  add(space, ns, key, value, options) {
    return this.live(space, key) === undefined ? this.set(space, ns, key, value, options) : false;
  }

  delete(space, ns, key) {
    return this.live(space, key) !== undefined && space.delete(key);
  }

  increment(space, ns, key, by, options = {}) {
    const entry = this.live(space, key);
    const old = entry === undefined ? 0 : JSON.parse(entry.text);
    if (typeof old !== 'number') return fault('not-a-number', 'the value is no number');
    const sum = old + by;
    if (entry === undefined) return orFault(this.set(space, ns, key, sum, options), sum);
    entry.text = JSON.stringify(sum);
    return sum;
  }

  invalidateTag(space, ns, tag) { return this.remove(space, (key, entry) => entry.tags.includes(tag)); }

  invalidatePrefix(space, ns, prefix) { return this.remove(space, (key) => key.startsWith(prefix)); }

  remove(space, doomed) {
    let gone = 0;
    for (const key of [...space.keys()]) {
      const entry = this.live(space, key);
      if (entry === undefined || !doomed(key, entry)) continue;
      space.delete(key);
      gone++;
    }
    return gone;
  }

  // Nobody else changes anything here, and the one who does drops its own copies.
  near() { return true; }

  lease(space, ns, key, { leaseMs = LEASE_MS, waitMs = WAIT_MS }, done) {
    const hit = this.get(space, ns, key);
    if (hit !== null) return done(hit);
    const id = leaseKey(ns, key);
    const open = this.leases.get(id);
    if (open === undefined) return done({ lease: this.grant(ns, key, leaseMs, []) });
    const wait = (result) => {
      clearTimeout(timer);
      done(result);
    };
    wait.leaseMs = leaseMs;
    const timer = setTimeout(() => {
      open.waiting.splice(open.waiting.indexOf(wait), 1);
      done(fault('timeout', `no value came within ${waitMs} ms`));
    }, waitMs);
    open.waiting.push(wait);
  }

  grant(ns, key, leaseMs, waiting) {
    const lease = String(++this.lastLease);
    const timer = setTimeout(() => this.pass(ns, key), leaseMs);
    timer.unref();
    this.leases.set(leaseKey(ns, key), { lease, timer, waiting });
    return lease;
  }

  // pass gives a lease that has ended to the next one who waits.
  pass(ns, key) {
    const open = this.leases.get(leaseKey(ns, key));
    clearTimeout(open.timer);
    this.leases.delete(leaseKey(ns, key));
    const next = open.waiting.shift();
    if (next !== undefined) next({ lease: this.grant(ns, key, next.leaseMs, open.waiting) });
  }

  settle(ns, key, tell) {
    const open = this.leases.get(leaseKey(ns, key));
    clearTimeout(open.timer);
    this.leases.delete(leaseKey(ns, key));
    for (const wait of open.waiting) tell(wait);
  }

  release(space, ns, key, lease) {
    const open = this.leases.get(leaseKey(ns, key));
    if (!open || open.lease !== lease) return fault('lease-lost', 'the lease has ended or is of somebody else');
    this.pass(ns, key);
    return true;
  }

  stats() {
    let entries = 0;
    for (const space of this.spaces.values()) entries += space.size;
    return { entries, hits: this.hits, misses: this.misses };
  }
}

// Each operation, and whether a key follows its namespace.
const OPERATIONS = {
  get: true, getMany: false, set: true, add: true, delete: true, increment: true, invalidateTag: false, invalidatePrefix: false, lease: true, release: true, near: false,
};

function validKey(key) { return typeof key === 'string' && key !== '' && Buffer.byteLength(key) <= MAX_KEY; }

function leaseKey(ns, key) { return `${ns}\n${key}`; }

function fault(code, message) { return { error: { code, message } }; }

function orFault(result, otherwise) { return result === true ? otherwise : result; }

module.exports = { Store };
