'use strict';

const { DroverError } = require('./error');
const { Counter, Gauge, Histogram } = require('./instruments');

const PUSH_MS = 1_000;
const MAX_SAMPLES = 1_000;
const NAME = /^[A-Za-z_:][A-Za-z0-9_:]*$/;
const TAKEN = /^(?:drover_|go_|process_)/;

// Metrics are the application's numbers; they show in drover's /metrics with the worker as label.
class Metrics {
  constructor(session) {
    this.session = session;
    this.all = new Map();
    this.samples = 0;
    this.changed = false;
    this.timer = undefined;
  }

  counter(name, help) { return this.#register(Counter, name, help); }

  gauge(name, help) { return this.#register(Gauge, name, help); }

  // histogram counts values by buckets, which are upper bounds in rising order.
  histogram(name, help, { buckets } = {}) { return this.#register(Histogram, name, help, buckets); }

  // #register returns the one that is there already, so that modules need not pass them around.
  #register(Kind, name, help = '', ...rest) {
    if (typeof name !== 'string' || !NAME.test(name) || TAKEN.test(name)) throw new DroverError('bad-frame', `${JSON.stringify(name)} cannot be the name of a metric: letters, digits, _ and :, and not drover_, go_ or process_ in front`);
    const there = this.all.get(name);
    if (there !== undefined) {
      if (!(there instanceof Kind)) throw new DroverError('bad-frame', `${name} is a ${there.type} already`);
      return there;
    }
    const made = new Kind({ name, help, touch: () => this.#touch(), admit: () => this.#admit() }, ...rest);
    this.all.set(name, made);
    return made;
  }

  // #admit counts a new set of labels.
  #admit() {
    if (this.samples >= MAX_SAMPLES) throw new DroverError('bad-frame', `there are ${MAX_SAMPLES} sets of labels already, which is the most that one worker may have`);
    this.samples++;
  }

  // #touch sees to it that a change is told within a second. Nothing is sent while nothing changes.
  #touch() {
    this.changed = true;
    if (this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.push();
    }, PUSH_MS);
    this.timer.unref();
  }

  // push tells drover what has changed now.
  push() {
    if (!this.changed) return;
    this.changed = false;
    this.session.whenOpen(() => this.session.tell({ drover: 'metrics', metrics: this.report() }));
  }

  report() { return [...this.all.values()].map((one) => one.report()).filter(({ samples }) => samples.length > 0); }
}

module.exports = { Metrics };
