'use strict';

// A worker whose messages or cached values are measured: node worker.js drover|node-cluster|redis. It connects to
// BENCH_CONTROL, says who it is, and does one job after the other. The part that differs between those that are
// compared is in the file of that name; what is measured, and with what, is the same for all.

const net = require('net');
const readline = require('readline');
const { chores, works } = require('./works');

const KINDS = { drover: './drover', 'node-cluster': './cluster-worker', redis: './redis' };

async function main(kind) {
  const link = await require(KINDS[kind]).connect();
  const control = net.connect(process.env.BENCH_CONTROL);
  const say = (what) => control.write(JSON.stringify(what) + '\n');
  // The bench has gone, or is done with us. A worker of drover's or of a primary's is ended by these.
  control.on('close', () => { if (link.own) process.exit(); });
  control.on('error', () => {});
  say({ name: link.name, pid: process.pid });
  for await (const line of readline.createInterface({ input: control })) {
    const job = JSON.parse(line);
    try {
      say(job.op in chores ? await chores[job.op](link, job) : await measure(link, job));
    } catch (err) {
      say({ error: String(err && err.stack) });
    }
  }
}

// measure does the job's work for its time, inFlight at once, each followed by the next, and tells how long each took.
async function measure(link, job) {
  const work = await works[job.op](link, job);
  const times = [];
  const begin = performance.now();
  const end = begin + job.ms;
  const lane = async (i) => {
    for (let now = performance.now(); now < end; i += job.inFlight) {
      await work(i);
      const then = performance.now();
      times.push(then - now);
      now = then;
    }
  };
  await Promise.all(Array.from({ length: job.inFlight }, (_, i) => lane(i)));
  const elapsed = performance.now() - begin;
  const sorted = Float64Array.from(times).sort();
  const at = (q) => Math.round(1e6 * sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]);
  return { operations: sorted.length, elapsed: Math.round(1e6 * elapsed), p50: at(0.5), p99: at(0.99) }; // nanoseconds
}

main(process.argv[2]).catch((err) => {
  console.error(err);
  process.exit(1);
});
