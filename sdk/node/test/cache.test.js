'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { worker } = require('./support/fake');

test('what is asked for in one turn goes out as one frame, with a result for each', async () => {
  const { link, drover } = await worker();
  const users = drover.cache.namespace('users');
  const all = Promise.all([
    users.set('7', { name: 'Ada' }, { ttl: 60000, tags: ['team:1'] }),
    users.get('7'), users.get('8'), users.getMany(['7', '8']), users.add('7', 1), users.delete('7'),
    users.increment('n'), users.increment('n', -2, { ttl: 5 }), users.invalidateTag('team:1'), users.invalidatePrefix('a'),
    drover.cache.set('k', undefined), drover.cache.stats(),
  ]);
  assert.equal(await link.next(), '{"drover":"cache","id":2,"ops":[["set","users","7",{"name":"Ada"},{"ttlMs":60000,"tags":["team:1"]}],["get","users","7"],["get","users","8"],'
    + '["getMany","users",["7","8"]],["add","users","7",1],["delete","users","7"],["increment","users","n",1],["increment","users","n",-2,{"ttlMs":5}],'
    + '["invalidateTag","users","team:1"],["invalidatePrefix","users","a"],["set","default","k",null],["stats"]]}');
  link.receive('{"drover":"reply","id":2,"data":[true,[{"name":"Ada"},60000],null,[[{"name":"Ada"},60000],null],false,true,1,-1,1,0,true,{"hits":1}]}');
  assert.deepEqual(await all, [true, { name: 'Ada' }, undefined, [{ name: 'Ada' }, undefined], false, true, 1, -1, 1, 0, true, { hits: 1 }]);
  assert.ok(await link.silent());
});

test('a value is stored as it was when it was given', async () => {
  const { link, drover } = await worker();
  const item = {};
  const all = [];
  for (item.n = 1; item.n <= 2; item.n++) all.push(drover.cache.set(String(item.n), item));
  const circle = {};
  circle.self = circle;
  await assert.rejects(drover.cache.set('3', circle), { code: 'bad-frame' });
  assert.deepEqual((await link.nextFrame()).ops, [['set', 'default', '1', { n: 1 }], ['set', 'default', '2', { n: 2 }]]);
  link.receive('{"drover":"reply","id":2,"data":[true,true]}');
  assert.deepEqual(await Promise.all(all), [true, true]);
});

test('an operation that fails fails alone; a frame that fails fails all of its operations', async () => {
  const { link, drover } = await worker();
  const [one, two] = [drover.cache.increment('s'), drover.cache.get('n')];
  link.frameID = (await link.nextFrame()).id;
  link.receive('{"drover":"reply","id":2,"data":[{"error":{"code":"not-a-number","message":"s is no number"}},[null]]}');
  await assert.rejects(one, { code: 'not-a-number', message: 's is no number' });
  assert.equal(await two, null, 'null is a value');
  const off = [drover.cache.get('a'), drover.cache.set('a', 1)];
  await link.next();
  link.fail(3, 'cache-off');
  for (const promise of off) await assert.rejects(promise, { code: 'cache-off' });
});

test('values that look like errors are values', async () => {
  const { link, drover } = await worker();
  const got = drover.cache.get('a');
  await link.next();
  link.reply(2, [[{ error: { code: 'x' } }, 5]]);
  assert.deepEqual(await got, { error: { code: 'x' } });
});

test('frames are bounded in operations and in bytes, and a value that is too large is refused', async () => {
  const { link, drover } = await worker({ maxMessageBytes: 1000 });
  await assert.rejects(drover.cache.set('k', 'x'.repeat(1000)), { code: 'too-large' });
  for (let i = 0; i < 3; i++) drover.cache.set(String(i), 'x'.repeat(600));
  for (let i = 0; i < 3; i++) assert.equal((await link.nextFrame()).ops.length, 1);
  const big = await worker();
  for (let i = 0; i < 501; i++) big.drover.cache.get(String(i));
  assert.equal((await big.link.nextFrame()).ops.length, 500);
  assert.equal((await big.link.nextFrame()).ops.length, 1);
  const keys = Array.from({ length: 501 }, (_, i) => String(i));
  const many = big.drover.cache.getMany(keys);
  for (const length of [500, 1]) {
    const { id, ops } = await big.link.nextFrame();
    assert.deepEqual(ops.map(([, , list]) => list.length), [length]);
    big.link.reply(id, ops.map(([, , list]) => list.map((key) => [[key]])));
  }
  assert.deepEqual(await many, keys.map((key) => [key]), 'values that are lists stay lists');
});

test('an option that there is not is refused, rather than passed over', async () => {
  const { link, drover } = await worker();
  await assert.rejects(drover.cache.set('k', 1, { ttlMs: 5 }), { code: 'bad-frame' });
  await assert.rejects(drover.cache.increment('k', 1, { expires: 5 }), { code: 'bad-frame' });
  const got = drover.cache.getOrSet('k', () => 1, { tag: 'a' });
  link.reply((await link.nextFrame()).id, [null]);
  await assert.rejects(got, { code: 'bad-frame' });
  assert.ok(await link.silent());
});

test('one operation that drover cannot take does not harm those of the same turn', async () => {
  const { link, drover } = await worker();
  for (const code of ['too-deep', 'bad-frame']) {
    const good = drover.cache.get('good');
    const bad = drover.cache.set('bad', '\ud800');
    const both = await link.nextFrame();
    assert.equal(both.ops.length, 2);
    link.fail(both.id, code);
    const one = await link.nextFrame();
    assert.deepEqual(one.ops, [['get', 'default', 'good']]);
    link.reply(one.id, [['there']]);
    const other = await link.nextFrame();
    assert.deepEqual(other.ops, [['set', 'default', 'bad', '\ud800']]);
    link.fail(other.id, code);
    assert.equal(await good, 'there');
    await assert.rejects(bad, { code });
  }
});

test('what is too much for one frame is asked for again', async () => {
  const { link, drover } = await worker();
  const tooMuch = { error: { code: 'too-large', message: 'ask for less at once' } };
  const gets = Promise.all(['1', '2', '3'].map((key) => drover.cache.get(key)));
  link.reply((await link.nextFrame()).id, [['one'], tooMuch, tooMuch]);
  const rest = await link.nextFrame();
  assert.deepEqual(rest.ops, [['get', 'default', '2'], ['get', 'default', '3']]);
  link.reply(rest.id, [['two'], ['three']]);
  assert.deepEqual(await gets, ['one', 'two', 'three']);
  const many = drover.cache.getMany(['1', '2', '3']);
  link.reply((await link.nextFrame()).id, [tooMuch]);
  const halves = await link.nextFrame();
  assert.deepEqual(halves.ops, [['getMany', 'default', ['1']], ['getMany', 'default', ['2', '3']]]);
  link.reply(halves.id, [[['one']], tooMuch]);
  const last = await link.nextFrame();
  assert.deepEqual(last.ops, [['getMany', 'default', ['2', '3']]]);
  link.reply(last.id, [[['two'], null]]);
  assert.deepEqual(await many, ['one', 'two', undefined]);
  const set = drover.cache.set('k', 1);
  drover.cache.get('k');
  link.reply((await link.nextFrame()).id, [tooMuch, null]);
  await assert.rejects(set, { code: 'too-large' });
});

test('getOrSet: what is there is not computed', async () => {
  const { link, drover } = await worker();
  const got = drover.cache.getOrSet('k', () => assert.fail('computed'));
  assert.equal(await link.next(), '{"drover":"cache","id":2,"ops":[["get","default","k"]]}');
  link.reply(2, [['there']]);
  assert.equal(await got, 'there');
});

async function leased(drover, link, options, compute) {
  const got = drover.cache.getOrSet('k', compute, options);
  got.catch(() => {});
  const { id } = await link.nextFrame();
  link.reply(id, [null]);
  return { got, lease: await link.nextFrame() };
}

test('getOrSet: with the lease the value is computed once, set, and given to all who asked here', async () => {
  const { link, drover } = await worker();
  let computed = 0;
  const { got, lease } = await leased(drover, link, { ttl: 1000, tags: ['a'], lease: 30000, wait: 5000 }, async (key) => {
    computed++;
    return { key };
  });
  assert.deepEqual(lease.ops, [['lease', 'default', 'k', { leaseMs: 30000, waitMs: 5000 }]]);
  const second = drover.cache.getOrSet('k', () => assert.fail('computed twice'));
  link.reply((await link.nextFrame()).id, [null]);
  link.reply(lease.id, [{ lease: '17' }]);
  const set = await link.nextFrame();
  assert.deepEqual(set.ops, [['set', 'default', 'k', { key: 'k' }, { ttlMs: 1000, tags: ['a'], lease: '17' }]]);
  link.reply(set.id, [true]);
  assert.deepEqual([await got, await second, computed], [{ key: 'k' }, { key: 'k' }, 1]);
  assert.ok(await link.silent());
});

test('getOrSet: another worker has computed it, or takes too long', async () => {
  const { link, drover } = await worker();
  let { got, lease } = await leased(drover, link, {}, () => assert.fail('computed'));
  link.reply(lease.id, [['theirs', 5]]);
  assert.equal(await got, 'theirs');
  ({ got, lease } = await leased(drover, link, {}, () => assert.fail('computed')));
  link.reply(lease.id, [{ error: { code: 'timeout', message: 'waited in vain' } }]);
  await assert.rejects(got, { code: 'timeout' });
});

test('getOrSet: who fails to compute, or has nothing, gives the lease back', async () => {
  const { link, drover } = await worker();
  const f = async (compute, check) => {
    const { got, lease } = await leased(drover, link, {}, compute);
    link.reply(lease.id, [{ lease: '17' }]);
    const release = await link.nextFrame();
    assert.deepEqual(release.ops, [['release', 'default', 'k', '17']]);
    link.reply(release.id, [true]);
    await check(got);
  };
  await f(() => { throw new Error('no database'); }, (got) => assert.rejects(got, { message: 'no database' }));
  await f(async () => undefined, async (got) => assert.equal(await got, undefined));
});

test('getOrSet: a lost lease is no failure, a refused value is one', async () => {
  const { link, drover } = await worker();
  const f = async (code, check) => {
    const { got, lease } = await leased(drover, link, {}, () => 'made');
    link.reply(lease.id, [{ lease: '17' }]);
    link.reply((await link.nextFrame()).id, [{ error: { code, message: code } }]);
    if (code !== 'lease-lost') link.reply((await link.nextFrame()).id, [true]);
    await check(got);
  };
  await f('lease-lost', async (got) => assert.equal(await got, 'made'));
  await f('too-large', (got) => assert.rejects(got, { code: 'too-large' }));
});

test('getOrSet after a change does not join what began before it', async () => {
  const { link, drover } = await worker();
  const { got, lease } = await leased(drover, link, {}, () => 'old');
  drover.cache.delete('k');
  link.reply((await link.nextFrame()).id, [true]);
  const later = drover.cache.getOrSet('k', () => 'new');
  link.reply((await link.nextFrame()).id, [null]);
  const second = await link.nextFrame();
  assert.equal(second.ops[0][0], 'lease');
  link.reply(second.id, [{ lease: '18' }]);
  link.reply((await link.nextFrame()).id, [true]);
  assert.equal(await later, 'new');
  link.reply(lease.id, [{ error: { code: 'timeout', message: '' } }]);
  await assert.rejects(got, { code: 'timeout' });
});
