'use strict';

const { DroverError } = require('./error');
const { importKey, open, seal } = require('./jwe');

// Drover's name as a sender, and that of the key for answers to it.
const DROVER = 'drover';
// What a header has.
const MEMBERS = new Set(['alg', 'enc', 'kid', 'from', 'type', 'n']);
// How many senders are remembered; workers have new names after each restart.
const MAX_SENDERS = 10_000;

// Keyring has the keys that drover gave, and remembers what was sent and received by n, so that nothing is taken twice.
class Keyring {
  constructor(worker) {
    this.worker = worker;
    this.n = 0;
    this.last = new Map(); // by sender: the n of its last payload
    this.receive = new Map(); // by kid
    this.send = new Map(); // by pool: { kid, key }
  }

  // replace takes a frame of keys.
  replace({ receive, send }) {
    this.receive = new Map(receive.keys.map(({ kid, k }) => [kid, importKey(k)]));
    this.send = new Map(Object.entries(send || {}).map(([pool, { kid, k }]) => [pool, { kid, key: importKey(k) }]));
  }

  // seal encrypts for a pool, or for each of them with '*', where the result is an object.
  seal(text, type, pool) {
    if (pool !== '*') return this.sealFor(text, type, pool);
    const sealed = {};
    for (const name of this.send.keys()) if (name !== DROVER) sealed[name] = this.sealFor(text, type, name);
    return sealed;
  }

  sealFor(text, type, pool) {
    const use = this.send.get(pool);
    if (use === undefined) throw new DroverError('forbidden', `this worker has no key for the pool ${JSON.stringify(pool)}`);
    return seal(text, use.key, { kid: use.kid, from: this.worker.id, type, n: ++this.n });
  }

  // open decrypts what came from a worker.
  open(jwe, from, type) {
    let opened;
    try {
      opened = open(jwe, ({ kid }) => {
        const key = this.receive.get(kid);
        if (key === undefined) throw new Error(`there is no key ${JSON.stringify(kid)}`);
        return key;
      });
    } catch (err) {
      throw new DroverError('refused', `the payload cannot be decrypted: ${err.message}`, { cause: err });
    }
    const { header, text } = opened;
    if (!Object.keys(header).every((name) => MEMBERS.has(name))) throw new DroverError('refused', 'the header of the payload has other members than it must have');
    if (header.from !== from || header.type !== type) throw new DroverError('refused', 'the payload is of another sender or type than its envelope');
    if (!Number.isSafeInteger(header.n) || header.n <= (this.last.get(from) || 0)) throw new DroverError('refused', 'the payload was received before');
    this.last.delete(from); // those heard of lately are at the end
    this.last.set(from, header.n);
    if (this.last.size > MAX_SENDERS) this.last.delete(this.last.keys().next().value);
    return text;
  }
}

module.exports = { Keyring, DROVER };
