'use strict';

const { DroverError } = require('./error');

const CHECK_MS = 1_500; // less than healthCheck.timeout, which is 2s by default
const LOOP_MS = 500;
const MAX_CHECKS = 50;
const MAX_NAME = 64;
const MAX_MESSAGE = 1024;

// Health answers drover's pings: how late the event loop is, and what the application's own checks say.
class Health {
  constructor(session) {
    this.session = session;
    this.checks = new Map(); // by name: { fn, timeout, running }
    this.loop = undefined;
    session.handle('ping', (frame) => this.#pong(frame.id));
  }

  // add takes a check. It fails when it throws, or returns false or { ok: false }; an object that it returns shows as
  // details. One of the same name is replaced.
  add(name, fn, { timeout = CHECK_MS } = {}) {
    if (typeof name === 'function') return this.add('app', name, fn);
    if (typeof fn !== 'function') throw new TypeError('the check is not a function');
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) throw new DroverError('bad-frame', `the name of a check has 1 to ${MAX_NAME} characters`);
    if (this.checks.size >= MAX_CHECKS && !this.checks.has(name)) throw new DroverError('bad-frame', `there are ${MAX_CHECKS} checks already`);
    this.checks.set(name, { name, fn, timeout, running: undefined });
  }

  // run is the result of all checks, which run at the same time.
  run() { return Promise.all([...this.checks.values()].map(outcome)); }

  async #pong(id) {
    if (this.loop === undefined) this.loop = watchLoop();
    const [checks] = await Promise.all([this.run(), this.loop.turn()]);
    const pong = { drover: 'pong', id, loopDelayMs: this.loop.take() };
    if (checks.length > 0) pong.checks = checks;
    this.session.tell(pong);
  }
}

// outcome is the result of one check.
async function outcome(check) {
  const began = performance.now();
  const out = { name: check.name, ok: true, ms: 0 };
  try {
    read(out, await within(check));
  } catch (err) {
    out.ok = false;
    out.message = String((err && err.message) || err).slice(0, MAX_MESSAGE);
  }
  out.ms = round(performance.now() - began);
  return out;
}

function read(out, result) {
  if (result === false) out.ok = false;
  if (result === null || typeof result !== 'object') return;
  const { ok, message, details, ...rest } = result;
  if (typeof ok !== 'boolean') {
    out.details = result;
    return;
  }
  out.ok = ok;
  if (message !== undefined) out.message = String(message).slice(0, MAX_MESSAGE);
  if (details !== undefined) out.details = details;
  else if (Object.keys(rest).length > 0) out.details = rest;
}

// within runs a check, unless it still runs since the last time, and waits for it as long as it may take.
function within(check) {
  if (check.running === undefined) {
    const running = Promise.resolve().then(() => check.fn());
    check.running = running;
    const over = () => { check.running = undefined; };
    running.then(over, over);
  }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no result within ${check.timeout} ms`)), check.timeout);
    timer.unref();
    check.running.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

// watchLoop measures how late the event loop comes to what is due: twice a second, and when it is asked.
function watchLoop() {
  let worst = 0;
  let due = performance.now() + LOOP_MS;
  const note = (late) => { worst = Math.max(worst, late); };
  setInterval(() => {
    const now = performance.now();
    note(now - due);
    due = now + LOOP_MS;
  }, LOOP_MS).unref();
  return {
    turn() {
      const asked = performance.now();
      return new Promise((resolve) => setImmediate(() => {
        note(performance.now() - asked);
        resolve();
      }));
    },
    // take is the worst since the last time.
    take() {
      const was = worst;
      worst = 0;
      return round(was);
    },
  };
}

function round(ms) { return Math.max(0, Math.round(ms * 1000) / 1000); }

module.exports = { Health };
