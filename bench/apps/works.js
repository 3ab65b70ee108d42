'use strict';

const assert = require('assert');

const KEYS = 1000;

// values are as many as there are keys, each another one.
function values(bytes) {
  return Array.from({ length: KEYS }, (_, i) => `${i}:`.padEnd(bytes, 'abcdefghijklmnopqrstuvwxyz'));
}

function check(ok, got, of) {
  if (!ok) throw new Error(`wrong answer to ${of}: ${JSON.stringify(got)}`);
}

// works are what a job may ask for: each makes a function that does it once and checks the answer.
const works = {
  request(link, { to }) {
    return async (i) => {
      const answer = await link.request(to, { n: i, text: 'how much is twice that?' });
      check(answer.n === i && answer.twice === 2 * i, answer, `request ${i}`);
    };
  },

  broadcast(link, { receivers }) {
    return async (i) => {
      const received = await link.broadcast({ n: i, text: 'to whom it may concern' });
      check(received === receivers, received, `broadcast ${i}`);
    };
  },

  async get(link, { near, bytes }) {
    const expected = values(bytes);
    const get = near ? link.getNear : link.get;
    return async (i) => {
      const got = await get(`${bytes}:${i % KEYS}`);
      check(got === expected[i % KEYS], got, `get ${i}`);
    };
  },

  set(link, { bytes }) {
    const all = values(bytes);
    return async (i) => {
      const got = await link.set(`${bytes}:${i % KEYS}`, all[i % KEYS]);
      check(got === true || got === 'OK', got, `set ${i}`);
    };
  },
};

// chores are jobs that are not measured.
const chores = {
  // handled is how many messages to all have reached this worker.
  handled: (link) => ({ operations: link.handled() }),

  // fill stores what get asks for.
  async fill(link, { near, bytes }) {
    const set = near ? link.setNear : link.set;
    await Promise.all(values(bytes).map((value, i) => set(`${bytes}:${i}`, value)));
    return { operations: KEYS };
  },
};

// answers is what workers do with requests.
function answers({ n }) {
  assert(Number.isInteger(n));
  return { n, twice: 2 * n };
}

module.exports = { chores, works, answers };
