'use strict';

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { test } = require('node:test');
const { connect } = require('../lib/client');
const { Solo } = require('../lib/solo');

function alone() {
  const me = { id: 'app-1.1', pool: 'app', slot: 1, generation: 1 };
  return connect(new Solo(me), me, new EventEmitter());
}

test('alone: what is for others reaches nobody', async () => {
  const drover = alone();
  assert.deepEqual(await drover.broadcast('a'), { received: 0, sent: 0, failed: [] });
  assert.deepEqual(await drover.broadcast('a', 1, { pool: '*' }), { received: 0, sent: 0, failed: [] });
  await drover.subscribe('a.*', () => assert.fail('a sender gets nothing of its own'));
  assert.deepEqual(await drover.publish('a.b', 1), { received: 0, sent: 0, failed: [] });
  await assert.rejects(drover.request({}, 'a'), { code: 'no-target' });
  await assert.rejects(drover.request({ pool: 'jobs' }, 'a'), { code: 'no-target' });
  await assert.rejects(drover.sendTo('app-2', 'a'), { code: 'no-target' });
  await assert.rejects(drover.sendToRandom('a'), { code: 'no-target' });
  await assert.rejects(drover.broadcast('no name'), { code: 'bad-type' });
  await assert.rejects(drover.broadcast('a', 'x'.repeat(2 << 20)), { code: 'too-large' });
  drover.ready();
  drover.metrics.counter('a_total').inc();
});

test('alone: what is for this very worker arrives, through JSON', async () => {
  const drover = alone();
  const seen = [];
  drover.on('note', (data, { from }) => seen.push(data, from));
  assert.deepEqual(await drover.sendTo('app-1', 'note', { at: new Date(0) }), { worker: 'app-1.1', acknowledged: true });
  assert.deepEqual(seen, [{ at: '1970-01-01T00:00:00.000Z' }, 'app-1.1']);
  await assert.rejects(drover.sendTo('app-1.2', 'note'), { code: 'no-target' });
  await assert.rejects(drover.sendTo('app-1', 'other'), { code: 'no-handler' });
  const both = await Promise.all([drover.sendTo('app-1', 'note', 1), drover.sendTo('app-1', 'note', 2)]);
  assert.ok(both.every(({ acknowledged }) => acknowledged));
  drover.on('double', async (n) => 2 * n);
  assert.equal(await drover.request('app-1.1', 'double', 21), 42);
  await assert.rejects(drover.request('app-1', 'nothing'), { code: 'no-handler' });
});

test('alone: requests end by time and by signal', async () => {
  const drover = alone();
  const cancelled = [];
  drover.on('slow', (name, { signal }) => new Promise((resolve) => signal.addEventListener('abort', () => {
    cancelled.push(name);
    resolve();
  })));
  await assert.rejects(drover.request('app-1', 'slow', 'a', { timeout: 10 }), { code: 'timeout' });
  const control = new AbortController();
  const asked = drover.request('app-1', 'slow', 'b', { signal: control.signal });
  await new Promise(setImmediate);
  control.abort();
  await assert.rejects(asked, { code: 'cancelled' });
  await new Promise(setImmediate);
  assert.deepEqual(cancelled, ['a', 'b']);
});

test('alone: the cache keeps, expires, tags and counts', async () => {
  const { cache } = alone();
  const users = cache.namespace('users', { near: true });
  await users.set('1', { name: 'Ada' }, { tags: ['team', 'x'] });
  await users.set('2', [1], { tags: ['team'] });
  await cache.set('1', 'of another namespace');
  assert.deepEqual(await users.getMany(['1', '2', '3']), [{ name: 'Ada' }, [1], undefined]);
  assert.equal(await users.add('1', 0), false);
  assert.equal(await users.add('3', null), true);
  assert.equal(await users.get('3'), null);
  assert.equal(await users.invalidateTag('team'), 2);
  assert.equal(await users.get('1'), undefined);
  assert.equal(await cache.get('1'), 'of another namespace');
  assert.equal(await users.increment('n', 2), 2);
  assert.equal(await users.increment('n', -0.5), 1.5);
  await assert.rejects(users.increment('3'), { code: 'not-a-number' });
  assert.equal(await users.invalidatePrefix('n'), 1);
  assert.deepEqual([await users.delete('3'), await users.delete('3')], [true, false]);
  await cache.set('short', 1, { ttl: 5 });
  await new Promise((done) => setTimeout(done, 10));
  assert.equal(await cache.get('short'), undefined);
  assert.equal(await cache.add('short', 2), true);
  const { entries, hits, misses } = await cache.stats();
  assert.equal(entries, 2);
  assert.ok(hits > 0 && misses > 0);
});

test('alone: the cache refuses what drover would', async () => {
  const { cache } = alone();
  await assert.rejects(cache.get(''), { code: 'bad-operation' });
  await assert.rejects(cache.get('x'.repeat(1025)), { code: 'bad-operation' });
  await assert.rejects(cache.set('k', 1, { ttl: -1 }), { code: 'bad-operation' });
  await assert.rejects(cache.set('k', 1, { tags: new Array(33).fill('a') }), { code: 'bad-operation' });
  await assert.rejects(cache.namespace('a b').get('k'), { code: 'bad-operation' });
  for (let i = 1; i < 100; i++) await cache.namespace(`n${i}`).set('k', 1);
  await assert.rejects(cache.namespace('one-more').get('k'), { code: 'too-many-namespaces' });
});

test('alone: leases are taken, waited for, passed on and lost', async () => {
  const { cache } = alone();
  // Two copies of the package in one process, or two tests, would meet at the store like two workers.
  const flights = new Solo({ id: 'app-1.1', pool: 'app', slot: 1, generation: 1 }).store;
  const run = (...op) => new Promise((done) => flights.serve([op], ([result]) => done(result)));
  const { lease } = await run('lease', 'a', 'k', { leaseMs: 1000, waitMs: 1000 });
  const waiting = run('lease', 'a', 'k', { waitMs: 1000 });
  assert.equal((await run('lease', 'a', 'k', { waitMs: 5 })).error.code, 'timeout');
  assert.equal(await run('release', 'a', 'k', lease), true);
  const next = await waiting;
  assert.ok(next.lease && next.lease !== lease);
  assert.equal((await run('set', 'a', 'k', 1, { lease })).error.code, 'lease-lost');
  assert.equal((await run('release', 'a', 'k', lease)).error.code, 'lease-lost');
  const hit = run('lease', 'a', 'k', {});
  assert.equal(await run('set', 'a', 'k', 1, { lease: next.lease }), true);
  assert.deepEqual(await hit, [1]);
  const short = await run('lease', 'a', 'other', { leaseMs: 5 });
  const after = await run('lease', 'a', 'other', { waitMs: 1000 });
  assert.ok(after.lease && after.lease !== short.lease, 'a lease that has ended goes to the next');
  await run('release', 'a', 'other', after.lease);

  let computed = 0;
  const compute = async () => ++computed;
  assert.deepEqual(await Promise.all([cache.getOrSet('k', compute), cache.getOrSet('k', compute)]), [1, 1]);
  assert.equal(await cache.getOrSet('k', compute), 1);
  await assert.rejects(cache.getOrSet('fails', () => { throw new Error('no'); }), { message: 'no' });
  assert.equal(await cache.getOrSet('fails', () => 'now'), 'now');
});
