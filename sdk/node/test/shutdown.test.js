'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { worker } = require('./support/fake');

const FRAME = '{"drover":"shutdown","type":"shutdown","graceSeconds":7}';

test("drover's word calls each function once, with the seconds that are left", async () => {
  const { link, drover, proc } = await worker();
  const calls = [];
  drover.onShutdown((grace) => calls.push(['a', grace]));
  drover.onShutdown((grace) => calls.push(['b', grace]));
  link.receive(FRAME);
  link.receive(FRAME);
  assert.deepEqual(calls, [['a', 7], ['b', 7]]);
  drover.onShutdown((grace) => calls.push(['late', grace]));
  assert.deepEqual(calls[2], ['late', 7]);
  await link.silent();
  assert.deepEqual(proc.exits, [], 'the signal has not come yet');
  proc.emit('SIGTERM', 'SIGTERM');
  await once(proc, 'exited');
  assert.deepEqual(proc.exits, [0]);
});

test('a signal waits for what was promised, then ends the process', async () => {
  const { link, drover, proc } = await worker();
  let finish;
  let calls = 0;
  drover.onShutdown(() => {
    calls++;
    return new Promise((resolve) => { finish = resolve; });
  });
  proc.emit('SIGTERM', 'SIGTERM');
  proc.emit('SIGTERM', 'SIGTERM');
  link.receive(FRAME);
  await link.silent();
  assert.deepEqual(proc.exits, []);
  drover.metrics.counter('left_total').inc();
  finish();
  await once(proc, 'exited');
  assert.deepEqual([proc.exits, calls], [[0], 1]);
  assert.equal((await link.nextFrame()).drover, 'metrics', 'the last numbers are told');
});

test('a function that fails shows in the exit status and stops no other', async () => {
  const { drover, proc } = await worker();
  const { error } = console;
  console.error = () => {};
  try {
    let done = false;
    drover.onShutdown(() => { throw new Error('cannot close'); });
    drover.onShutdown(async () => { done = true; });
    proc.emit('SIGINT', 'SIGINT');
    await once(proc, 'exited');
    assert.deepEqual([proc.exits, done], [[1], true]);
  } finally {
    console.error = error;
  }
});

test('an application that listens to the signal ends by itself', async () => {
  const { link, drover, proc } = await worker();
  let called = false;
  drover.onShutdown(() => { called = true; });
  proc.on('SIGTERM', () => {});
  proc.emit('SIGTERM', 'SIGTERM');
  await link.silent();
  assert.deepEqual([called, proc.exits], [true, []]);
});

test('without onShutdown signals are left alone', async () => {
  const { proc } = await worker();
  assert.equal(proc.listenerCount('SIGTERM') + proc.listenerCount('SIGINT'), 0);
});
