'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { worker } = require('./support/fake');

test('drover is told of the first subscription to a pattern and of the end of the last', async () => {
  const { link, drover } = await worker();
  const seen = [];
  const one = drover.subscribe('orders.*', (data, { topic, from }) => seen.push([1, data, topic, from]));
  assert.equal(await link.next(), '{"drover":"subscribe","id":2,"topics":["orders.*"]}');
  link.reply(2, {});
  const endOne = await one;
  const endTwo = await drover.subscribe('orders.*', (data) => seen.push([2, data]));
  assert.ok(await link.silent());
  link.receive('{"drover":"message","seq":8,"from":"app-2.1","topic":"orders.new","data":{"order":7}}');
  assert.equal(await link.next(), '{"drover":"ack","seq":8}');
  assert.deepEqual(seen.splice(0), [[1, { order: 7 }, 'orders.new', 'app-2.1'], [2, { order: 7 }]]);
  await endOne();
  assert.ok(await link.silent());
  const ended = endTwo();
  assert.equal(await link.next(), '{"drover":"unsubscribe","id":3,"topics":["orders.*"]}');
  link.reply(3, {});
  await ended;
  await endTwo();
  assert.ok(await link.silent());
  assert.ok(!link.held);
  link.receive('{"drover":"message","seq":9,"from":"app-2.1","topic":"orders.new","data":1}');
  assert.equal((await link.nextFrame()).error.code, 'no-handler');
});

test('handlers of a type do not get what is published', async () => {
  const { link, drover } = await worker();
  drover.on('*', () => assert.fail('it is no topic'));
  link.receive('{"drover":"message","seq":1,"from":"app-2.1","topic":"orders.new","data":1}');
  assert.equal((await link.nextFrame()).drover, 'nack');
});

test('events come as they are', async () => {
  const { link, drover } = await worker();
  const seen = [];
  const subscribed = drover.events('worker-*', (event) => seen.push(event));
  assert.equal(await link.next(), '{"drover":"subscribe","id":2,"events":["worker-*"]}');
  link.reply(2, {});
  await subscribed;
  link.receive('{"drover":"event","time":"2026-01-02T15:04:05.678Z","kind":"worker-ready","subject":"app-3.1","message":"worker app-3.1 is ready"}');
  link.receive('{"drover":"event","time":"2026-01-02T15:04:05.678Z","kind":"message","subject":"app-3.1","data":{"hello":"there"}}');
  assert.deepEqual(seen, [{ time: '2026-01-02T15:04:05.678Z', kind: 'worker-ready', subject: 'app-3.1', message: 'worker app-3.1 is ready' }]);
});

test('a refused subscription rejects and leaves nothing behind', async () => {
  const { link, drover } = await worker();
  const refused = drover.subscribe('a', () => {});
  link.fail(2, 'too-many-subscriptions');
  await assert.rejects(refused, { code: 'too-many-subscriptions' });
  assert.ok(!link.held);
  drover.subscribe('a', () => {});
  await link.next();
  assert.equal(await link.next(), '{"drover":"subscribe","id":3,"topics":["a"]}');
});
