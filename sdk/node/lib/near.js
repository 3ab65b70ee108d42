'use strict';

const MAX_ENTRIES = 10_000;

// Near is this worker's own copies of entries of one namespace. Drover tells what to drop, in order with the replies.
class Near {
  constructor({ maxEntries = MAX_ENTRIES } = {}) {
    this.maxEntries = maxEntries;
    this.copies = new Map(); // by key: { value, expires }; the oldest come first
    this.asked = new Map(); // by key: the ticket of those who asked for it and have no answer yet
  }

  // get is a copy, { value }, or nothing.
  get(key) {
    const copy = this.copies.get(key);
    if (copy === undefined || copy.expires > Date.now()) return copy;
    this.copies.delete(key);
    return undefined;
  }

  // ask notes that a key is being asked for. The ticket is for answered.
  ask(key) {
    let ticket = this.asked.get(key);
    if (ticket === undefined) this.asked.set(key, (ticket = { waiting: 0, dropped: false, at: Date.now() }));
    ticket.waiting++;
    return ticket;
  }

  // answered keeps what came, [VALUE, TTL], unless the key was changed after it was asked for.
  answered(key, ticket, hit) {
    if (--ticket.waiting === 0 && this.asked.get(key) === ticket) this.asked.delete(key);
    if (ticket.dropped || !hit) return;
    this.copies.delete(key);
    if (this.copies.size >= this.maxEntries) this.copies.delete(this.copies.keys().next().value);
    this.copies.set(key, { value: freeze(hit[0]), expires: hit.length > 1 ? ticket.at + hit[1] : Infinity });
  }

  drop(key) {
    this.copies.delete(key);
    const ticket = this.asked.get(key);
    if (ticket === undefined) return;
    ticket.dropped = true;
    this.asked.delete(key);
  }

  dropAll() {
    this.copies.clear();
    for (const ticket of this.asked.values()) ticket.dropped = true;
    this.asked.clear();
  }
}

// freeze makes a copy safe to give to many.
function freeze(value) {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  for (const key in value) freeze(value[key]);
  return Object.freeze(value);
}

module.exports = { Near };
