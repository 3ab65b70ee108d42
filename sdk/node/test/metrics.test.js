'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { worker } = require('./support/fake');

// settled pushes what has changed, as happens at exit and, else, every second.
async function push({ link, proc }) {
  proc.emit('exit');
  return (await link.silent()) ? undefined : link.next();
}

test('numbers are told as totals, with their labels', async () => {
  const w = await worker();
  const { metrics } = w.drover;
  const orders = metrics.counter('orders_total', 'Orders taken');
  orders.inc(3, { kind: 'new' });
  orders.inc(1, { kind: 'old', vip: true });
  orders.inc(2, { vip: 'true', kind: 'old' });
  assert.equal(await push(w), '{"drover":"metrics","metrics":[{"name":"orders_total","type":"counter","help":"Orders taken","samples":[{"labels":{"kind":"new"},"value":3},{"labels":{"kind":"old","vip":"true"},"value":3}]}]}');
  assert.equal(await push(w), undefined, 'nothing has changed');
  const open = metrics.gauge('open');
  open.set(5);
  open.inc();
  open.dec(2);
  const took = metrics.histogram('order_seconds', '', { buckets: [0.1, 1] });
  for (const value of [0.05, 0.1, 0.5, 7]) took.observe(value);
  const { metrics: all } = JSON.parse(await push(w));
  assert.deepEqual(all.slice(1), [
    { name: 'open', type: 'gauge', help: '', samples: [{ labels: {}, value: 4 }] },
    { name: 'order_seconds', type: 'histogram', help: '', buckets: [0.1, 1], samples: [{ labels: {}, counts: [2, 1, 1], sum: 7.65 }] },
  ]);
  const seconds = took.startTimer()();
  assert.ok(seconds >= 0 && seconds < 5);
  assert.equal(JSON.parse(await push(w)).metrics[2].samples[0].counts.reduce((a, b) => a + b), 5);
});

test('a change is told within a second, by itself', async () => {
  const { link, drover } = await worker();
  drover.metrics.counter('a_total').inc();
  drover.metrics.counter('a_total').inc();
  assert.ok(await link.silent());
  const hold = setTimeout(() => {}, 10_000); // telling keeps no process alive
  const frame = await link.nextFrame();
  clearTimeout(hold);
  assert.equal(frame.metrics[0].samples[0].value, 2);
});

test('the same name is the same metric, of one kind', async () => {
  const { metrics } = (await worker()).drover;
  assert.equal(metrics.counter('a_total'), metrics.counter('a_total'));
  assert.throws(() => metrics.gauge('a_total'), { code: 'bad-frame' });
});

test('what Prometheus or drover would not take is refused where it is made', async () => {
  const { metrics } = (await worker()).drover;
  const f = (make) => assert.throws(make, { code: 'bad-frame' });
  for (const name of ['drover_a', 'go_a', 'process_a', '1a', 'a-b', '', undefined]) f(() => metrics.counter(name));
  const counter = metrics.counter('a_total');
  for (const label of ['worker', '__a', 'a-b', '']) f(() => counter.inc(1, { [label]: 1 }));
  for (const by of [-1, NaN, Infinity]) f(() => counter.inc(by));
  f(() => metrics.gauge('g').set(NaN));
  f(() => metrics.histogram('h').observe('x'));
  for (const buckets of [[], [2, 1], [1, 1], ['a'], [Infinity]]) f(() => metrics.histogram('h2', '', { buckets }));
  for (let i = 0; i < 1000; i++) counter.inc(1, { i });
  f(() => counter.inc(1, { i: 'one more' }));
  counter.inc(1, { i: 7 });
});

