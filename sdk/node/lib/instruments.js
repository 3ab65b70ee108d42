'use strict';

const { DroverError } = require('./error');

const LABEL = /^[A-Za-z_][A-Za-z0-9_]*$/;
// Those of the Prometheus clients, in seconds.
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

// Instrument is a metric: samples by their labels.
class Instrument {
  #samples = new Map();
  #plain; // the sample without labels, which most have alone
  #admit;

  constructor(type, { name, help, touch, admit }) {
    this.type = type;
    this.name = name;
    this.help = help;
    this.touch = touch;
    this.#admit = admit;
  }

  // sample is what belongs to these labels.
  sample(labels) {
    if (labels === undefined) return this.#plain || (this.#plain = this.#find('', {}));
    const names = Object.keys(labels).sort();
    return this.#find(JSON.stringify(names.map((name) => [name, String(labels[name])])).slice(1, -1), labels);
  }

  #find(key, labels) {
    let sample = this.#samples.get(key);
    if (sample === undefined) {
      for (const name of Object.keys(labels)) if (!LABEL.test(name) || name.startsWith('__') || name === 'worker') throw new DroverError('bad-frame', `${JSON.stringify(name)} cannot be the name of a label`);
      this.#admit();
      sample = this.fresh(Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)])));
      this.#samples.set(key, sample);
    }
    return sample;
  }

  fresh(labels) { return { labels, value: 0 }; }

  report() { return { name: this.name, type: this.type, help: this.help, samples: [...this.#samples.values()] }; }
}

// Counter only grows.
class Counter extends Instrument {
  constructor(parts) { super('counter', parts); }

  inc(by = 1, labels) {
    if (!(by >= 0) || by === Infinity) throw new DroverError('bad-frame', `${this.name} is a counter and cannot grow by ${by}`);
    this.sample(labels).value += by;
    this.touch();
  }
}

// Gauge goes up and down.
class Gauge extends Instrument {
  constructor(parts) { super('gauge', parts); }

  set(value, labels) {
    finite(this.name, value);
    this.sample(labels).value = value;
    this.touch();
  }

  inc(by = 1, labels) {
    finite(this.name, by);
    this.sample(labels).value += by;
    this.touch();
  }

  dec(by = 1, labels) { this.inc(-by, labels); }
}

// Histogram counts values by size.
class Histogram extends Instrument {
  constructor(parts, buckets = BUCKETS) {
    super('histogram', parts);
    if (!Array.isArray(buckets) || buckets.length === 0 || !buckets.every((b, i) => Number.isFinite(b) && (i === 0 || b > buckets[i - 1]))) throw new DroverError('bad-frame', `the buckets of ${this.name} are not rising numbers`);
    this.buckets = [...buckets];
  }

  observe(value, labels) {
    finite(this.name, value);
    const sample = this.sample(labels);
    let at = 0;
    while (at < this.buckets.length && value > this.buckets[at]) at++;
    sample.counts[at]++;
    sample.sum += value;
    this.touch();
  }

  // startTimer returns a function that observes the seconds since then.
  startTimer(labels) {
    const began = process.hrtime.bigint();
    return (more) => {
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      this.observe(seconds, labels || more ? { ...labels, ...more } : undefined);
      return seconds;
    };
  }

  fresh(labels) { return { labels, counts: new Array(this.buckets.length + 1).fill(0), sum: 0 }; }

  report() {
    const { samples, ...rest } = super.report();
    return { ...rest, buckets: this.buckets, samples };
  }
}

function finite(name, value) {
  if (!Number.isFinite(value)) throw new DroverError('bad-frame', `${value} is no value for ${name}`);
}

module.exports = { Counter, Gauge, Histogram };
