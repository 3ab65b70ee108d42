'use strict';

const SIGNALS = ['SIGTERM', 'SIGINT'];
// What drover gives a worker by default; it says how much in its frame.
const GRACE_SECONDS = 30;

// Shutdown tells the application that it has to end: once, by drover's word or by a signal, whichever comes first.
class Shutdown {
  // before is called first, after comes last and calls back when all is written.
  constructor({ session, before, after, proc = process }) {
    this.process = proc;
    this.before = before;
    this.after = after;
    this.fns = [];
    this.begun = undefined;
    this.signalled = false;
    this.grace = GRACE_SECONDS;
    session.handle('shutdown', (frame) => {
      if (Number.isFinite(frame.graceSeconds)) this.grace = frame.graceSeconds;
      this.begin();
    });
  }

  // add takes a function that gets the seconds that are left. The first one takes SIGTERM and SIGINT over from Node.js:
  // the process ends when all functions are done, not at once.
  add(fn) {
    if (typeof fn !== 'function') throw new TypeError('onShutdown takes a function');
    if (this.fns.push(fn) === 1) for (const signal of SIGNALS) this.process.on(signal, () => this.signal(signal));
    if (this.begun !== undefined) this.begun = Promise.all([this.begun, this.run(fn)]).then(([, failed]) => failed);
  }

  begin() {
    if (this.begun !== undefined) return;
    this.before();
    this.begun = Promise.all(this.fns.map((fn) => this.run(fn))).then((failed) => failed.includes(true));
  }

  // run resolves to whether the function failed.
  async run(fn) {
    try {
      await fn(this.grace);
      return false;
    } catch (err) {
      console.error('drover: onShutdown failed:', err);
      return true;
    }
  }

  // signal ends the process when all is done, where Node.js would have ended it. An application that listens to the
  // signal itself ends by itself.
  signal(name) {
    this.begin();
    if (this.signalled || this.process.listenerCount(name) > 1) return;
    this.signalled = true;
    const end = async () => {
      const waited = this.begun;
      const failed = await waited;
      if (waited !== this.begun) return end(); // another function was added meanwhile
      this.after(() => this.process.exit(failed ? 1 : 0));
    };
    end();
  }
}

module.exports = { Shutdown };
