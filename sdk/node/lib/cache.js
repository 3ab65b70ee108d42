'use strict';

const { DroverError } = require('./error');
const { Near } = require('./near');
const { Pipeline } = require('./pipeline');
const { plain, snapshot } = require('./size');

const DEFAULT_NAMESPACE = 'default';
// Options of an entry: our names, and those of the protocol.
const OPTIONS = new Map([['ttl', 'ttlMs'], ['tags', 'tags']]);
// Keys in one operation.
const MANY = 500;

// Cache is the shared cache of all workers: its namespaces, and what they have in common.
class Cache {
  constructor(session) {
    this.pipeline = new Pipeline(session);
    this.nears = new Map(); // by namespace
    this.flights = new Map(); // by namespace and key: values that are being computed here
    session.handle('drop', (frame) => {
      const near = this.nears.get(frame.namespace);
      if (near === undefined) return;
      if (frame.all) near.dropAll();
      else for (const key of frame.keys) near.drop(key);
    });
  }

  open(info) { this.pipeline.open(info); }

  namespace(name, { near = false } = {}) {
    if (near && !this.nears.has(name)) {
      this.nears.set(name, new Near(near === true ? {} : near));
      // What follows in the same frame may already be kept. A refusal shows with the operations that follow.
      this.pipeline.run(['near', name, true]).catch(() => this.nears.delete(name));
    }
    return new Namespace(this, name);
  }

  stats() { return this.pipeline.run(['stats']); }
}

// Namespace is a part of the cache with keys of its own.
class Namespace {
  #cache;
  #pipeline;

  constructor(cache, name) {
    this.name = name;
    this.#cache = cache;
    this.#pipeline = cache.pipeline;
  }

  // get resolves to the value, or undefined where there is none.
  get(key) {
    const near = this.#cache.nears.get(this.name);
    if (near === undefined) return this.#pipeline.run(['get', this.name, key], undefined, value);
    const copy = near.get(key);
    if (copy !== undefined) return Promise.resolve(copy.value);
    return this.#fetch(near, [key], async () => [await this.#pipeline.run(['get', this.name, key])]).then(([hit]) => value(hit));
  }

  // getMany resolves to the values in the order of the keys.
  async getMany(keys) {
    const parts = [];
    for (let i = 0; i < keys.length; i += MANY) parts.push(this.#getSome(keys.slice(i, i + MANY)));
    return (await Promise.all(parts)).flat(1);
  }

  async #getSome(keys) {
    const near = this.#cache.nears.get(this.name);
    if (near === undefined) return (await this.#hits(keys)).map(value);
    const copies = keys.map((key) => near.get(key));
    const missing = keys.filter((key, i) => copies[i] === undefined);
    if (missing.length > 0) {
      const hits = await this.#fetch(near, missing, () => this.#hits(missing));
      let next = 0;
      return copies.map((copy) => (copy === undefined ? value(hits[next++]) : copy.value));
    }
    return copies.map((copy) => copy.value);
  }

  // #hits asks for many keys at once, or for fewer where what they hold is too much for one frame.
  async #hits(keys) {
    try {
      return await this.#pipeline.run(['getMany', this.name, keys], keys);
    } catch (err) {
      if (err.code !== 'too-large' || keys.length < 2) throw err;
      const half = keys.length >> 1;
      return [].concat(...(await Promise.all([this.#hits(keys.slice(0, half)), this.#hits(keys.slice(half))])));
    }
  }

  // #fetch asks drover for keys and keeps copies of what comes.
  async #fetch(near, keys, ask) {
    const tickets = keys.map((key) => near.ask(key));
    let hits = [];
    try {
      hits = await ask();
    } finally {
      keys.forEach((key, i) => near.answered(key, tickets[i], hits[i]));
    }
    return hits;
  }

  set(key, data, options) { return this.#write('set', key, data, options); }

  // add resolves to false where the key is there already.
  add(key, data, options) { return this.#write('add', key, data, options); }

  #write(name, key, data, options) {
    return this.#change(key, [name, this.name, key, data], options, data);
  }

  // delete resolves to whether the key was there.
  delete(key) {
    this.#changes(key);
    return this.#pipeline.run(['delete', this.name, key]);
  }

  // increment resolves to the new number.
  increment(key, by = 1, options) {
    return this.#change(key, ['increment', this.name, key, by], options);
  }

  async #change(key, op, options, sized) {
    op[3] = plain(snapshot(op[3])); // it is written at the end of the turn
    if (options !== undefined) op.push(wire(options));
    this.#changes(key);
    return this.#pipeline.run(op, sized);
  }

  // invalidateTag and invalidatePrefix resolve to how many entries went.
  invalidateTag(tag) {
    this.#changes();
    return this.#pipeline.run(['invalidateTag', this.name, tag]);
  }

  invalidatePrefix(prefix) {
    this.#changes();
    return this.#pipeline.run(['invalidatePrefix', this.name, prefix]);
  }

  // getOrSet resolves to the value, or to what compute makes where there is none. Of all workers that ask at the same
  // time one computes, and the others wait for it.
  async getOrSet(key, compute, options = {}) {
    const there = await this.get(key);
    if (there !== undefined) return there;
    const id = `${this.name}\n${key}`;
    const { flights } = this.#cache;
    let flight = flights.get(id);
    if (flight === undefined) {
      flight = this.#compute(key, compute, options).finally(() => {
        if (flights.get(id) === flight) flights.delete(id);
      });
      flights.set(id, flight);
    }
    return flight;
  }

  async #compute(key, compute, { lease: leaseMs, wait: waitMs, ...options }) {
    const entry = wire(options);
    const leased = await this.#pipeline.alone(['lease', this.name, key, { leaseMs, waitMs }]);
    if (Array.isArray(leased)) return leased[0];
    const { lease } = leased;
    let made;
    try {
      made = await compute(key);
    } catch (err) {
      await this.#release(key, lease);
      throw err;
    }
    if (made === undefined) {
      await this.#release(key, lease);
      return undefined;
    }
    const near = this.#cache.nears.get(this.name);
    if (near !== undefined) near.drop(key);
    try {
      await this.#pipeline.run(['set', this.name, key, plain(made), { ...entry, lease }], made);
    } catch (err) {
      if (err.code === 'lease-lost') return made; // somebody changed or computed it meanwhile
      await this.#release(key, lease);
      throw err;
    }
    return made;
  }

  // #release lets the next one compute. Where that fails the lease ends by itself.
  #release(key, lease) { return this.#pipeline.run(['release', this.name, key, lease]).catch(() => false); }

  // #changes drops what this worker has of a key that it changes, or of all keys: it reads its own writes.
  #changes(key) {
    const { flights, nears } = this.#cache;
    const near = nears.get(this.name);
    if (key !== undefined) {
      if (flights.size > 0) flights.delete(`${this.name}\n${key}`);
      if (near !== undefined) near.drop(key);
      return;
    }
    for (const id of [...flights.keys()]) if (id.startsWith(`${this.name}\n`)) flights.delete(id);
    if (near !== undefined) near.dropAll();
  }
}

// value is what a result of get holds.
function value(hit) { return hit === null || hit === undefined ? undefined : hit[0]; }

// wire is the options of an entry as the protocol has them.
function wire(options) {
  const out = {};
  for (const name in options) {
    const wired = OPTIONS.get(name);
    if (wired === undefined) throw new DroverError('bad-frame', `there is no option ${JSON.stringify(name)}; there are ${[...OPTIONS.keys()].join(', ')}`);
    out[wired] = options[name];
  }
  return out;
}

module.exports = { Cache, Namespace, DEFAULT_NAMESPACE };
