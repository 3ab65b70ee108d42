'use strict';

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { test } = require('node:test');
const { connect } = require('../lib/client');
const { DroverError } = require('../lib/error');
const { Session } = require('../lib/session');
const { FakeLink, HELLO, worker } = require('./support/fake');
const { version } = require('../package.json');

function fresh() {
  const link = new FakeLink();
  return { link, drover: connect(link, { id: 'app-1.1', pool: 'app', slot: 1, generation: 1 }, new EventEmitter()) };
}

test('hello is the first frame, and what the application sends waits for its answer, in order', async () => {
  const { link, drover } = fresh();
  assert.equal(await link.next(), `{"drover":"hello","id":1,"version":1,"client":"node/${version}","acks":true}`);
  drover.broadcast('a', 1);
  drover.sendTo('app-2', 'b', 2);
  drover.cache.get('k');
  assert.ok(await link.silent());
  assert.ok(link.held, 'what waits keeps the process alive');
  link.reply(1, HELLO);
  assert.equal(await link.next(), '{"drover":"broadcast","id":2,"type":"a","data":1}');
  assert.equal(await link.next(), '{"drover":"send","id":3,"type":"b","worker":"app-2","data":2}');
  assert.equal(await link.next(), '{"drover":"cache","id":4,"ops":[["get","default","k"]]}');
});

test('what waits for the answer to hello is sent as it was when it was given', async () => {
  const { link, drover } = fresh();
  await link.next();
  const data = { n: 1 };
  drover.broadcast('a', data);
  drover.sendTo('app-2', 'b', data);
  drover.request('app-2', 'c', data).catch(() => {});
  drover.publish('d', data);
  data.n = 2;
  link.reply(1, HELLO);
  for (let i = 0; i < 4; i++) assert.deepEqual((await link.nextFrame()).data, { n: 1 });
});

test('ready does not wait', async () => {
  const { link, drover } = fresh();
  await link.next();
  drover.ready();
  assert.equal(await link.next(), '{"drover":"ready"}');
});

test('gc collects garbage', async () => {
  const { link } = await worker();
  let collected = false;
  const runtime = typeof Bun === 'undefined' ? globalThis : Bun;
  const { gc } = runtime;
  runtime.gc = () => { collected = true; };
  link.receive('{"drover":"gc"}');
  runtime.gc = gc;
  assert.ok(collected);
  if (runtime !== globalThis) return; // Bun's collector may find an object on the stack

  const gone = new WeakRef({});
  await new Promise((done) => setImmediate(done)); // what a WeakRef was made of stays until the end of the turn
  link.receive('{"drover":"gc"}'); // without --expose-gc
  assert.equal(gone.deref(), undefined);
});

test('a refused hello fails what waits and all that follows', async () => {
  const { link, drover } = fresh();
  const waiting = drover.broadcast('a');
  link.fail(1, 'version', 'known are 1');
  for (const promise of [waiting, drover.broadcast('a'), drover.cache.get('k'), drover.request('app-2', 'a')]) {
    await assert.rejects(promise, (err) => err instanceof DroverError && err.code === 'version' && err.message === 'known are 1');
  }
});

test('hello tells the worker who it is', async () => {
  const { drover } = await worker({ worker: 'jobs-3.7', pool: 'jobs', slot: 3, generation: 7 });
  assert.deepEqual(drover.worker, { id: 'jobs-3.7', pool: 'jobs', slot: 3, generation: 7 });
});

test('unanswered frames keep the process alive, and nothing else does', async () => {
  const { link, drover } = await worker();
  assert.ok(!link.held);
  const answer = drover.request('app-2', 'a');
  await link.next();
  assert.ok(link.held);
  link.reply(2, null);
  await answer;
  assert.ok(!link.held);
});

test('handlers keep the process alive until it is to shut down', async () => {
  const { link, drover } = await worker();
  const handler = () => {};
  drover.on('a', handler);
  assert.ok(link.held);
  drover.off('a', handler);
  assert.ok(!link.held);
  drover.off('a', handler);
  drover.on('a', handler);
  link.receive('{"drover":"shutdown","type":"shutdown","graceSeconds":30}');
  assert.ok(!link.held);
  drover.on('b', handler);
  assert.ok(!link.held);
});

test('what is open when the channel closes fails with closed, and so does what comes later', async () => {
  const { link, drover } = await worker();
  const open = [drover.broadcast('a'), drover.cache.get('k'), drover.request('app-2', 'a')];
  await link.next();
  link.closed(new DroverError('closed', 'gone'));
  for (const promise of [...open, drover.publish('a'), drover.cache.stats()]) await assert.rejects(promise, { code: 'closed' });
  assert.ok(!link.held);
});

test('what does not answer hello is not drover', async () => {
  const session = new Session(new FakeLink(), 10);
  session.start(() => assert.fail('nobody answered'));
  const hold = setTimeout(() => {}, 10_000); // waiting for the answer keeps no process alive
  await assert.rejects(session.ask(() => ({ drover: 'send', id: 0 })), { code: 'closed' });
  clearTimeout(hold);
});

test('unknown verbs and replies to nobody are passed over', async () => {
  const { link, drover } = await worker();
  link.receive('{"drover":"news","of":"tomorrow"}');
  link.reply(99, 1);
  const answer = drover.request('app-2', 'a');
  link.reply(2, 'b');
  assert.equal(await answer, 'b');
});
