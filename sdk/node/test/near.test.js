'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { worker } = require('./support/fake');

async function near(options = true) {
  const { link, drover } = await worker();
  const users = drover.cache.namespace('users', { near: options });
  // ask answers the next frame: hits are by key, everything else succeeds.
  const ask = async (hits = {}) => {
    const frame = await link.nextFrame();
    const hit = (key) => (Object.hasOwn(hits, key) ? hits[key] : null);
    link.reply(frame.id, frame.ops.map(([name, , key]) => (name === 'get' ? hit(key) : name === 'getMany' ? key.map(hit) : true)));
    return frame.ops;
  };
  return { link, drover, users, ask };
}

test('copies answer until drover says to drop them', async () => {
  const { link, users, ask } = await near();
  const first = users.get('7');
  assert.deepEqual(await ask({ 7: [{ name: 'Ada' }] }), [['near', 'users', true], ['get', 'users', '7']]);
  assert.deepEqual(await first, { name: 'Ada' });
  assert.deepEqual(await users.get('7'), { name: 'Ada' });
  assert.ok(await link.silent());
  link.receive('{"drover":"drop","namespace":"users","keys":["7"]}');
  const again = users.get('7');
  await ask({ 7: [{ name: 'Grace' }] });
  assert.deepEqual(await again, { name: 'Grace' });
  link.receive('{"drover":"drop","namespace":"users","all":true}');
  users.get('7');
  assert.deepEqual(await ask(), [['get', 'users', '7']]);
  link.receive('{"drover":"drop","namespace":"others","all":true}');
});

test('copies cannot be changed by those who read them', async () => {
  const { users, ask } = await near();
  const first = users.get('7');
  await ask({ 7: [{ tags: ['a'] }] });
  const value = await first;
  assert.throws(() => value.tags.push('b'), TypeError);
  assert.throws(() => { value.name = 'x'; }, TypeError);
});

test('a copy lives as long as its entry', async (t) => {
  const { link, users, ask } = await near();
  const first = users.get('7');
  await ask({ 7: ['short', 20] });
  await first;
  assert.equal(await users.get('7'), 'short');
  assert.ok(await link.silent());
  await new Promise((done) => setTimeout(done, 25));
  users.get('7');
  assert.deepEqual(await ask(), [['get', 'users', '7']]);
});

test('what was dropped between asking and the reply is not kept', async () => {
  const { link, users, ask } = await near();
  for (const drop of ['{"drover":"drop","namespace":"users","keys":["7"]}', '{"drover":"drop","namespace":"users","all":true}']) {
    const got = users.get('7');
    await new Promise(setImmediate); // it is sent
    link.receive(drop);
    await ask({ 7: ['old'] });
    assert.equal(await got, 'old');
    const again = users.get('7');
    assert.deepEqual(await ask({}), [['get', 'users', '7']]);
    await again;
  }
});

test('a worker reads its own writes', async () => {
  const { users, drover, ask } = await near();
  const plainly = drover.cache.namespace('users');
  const changes = [
    () => users.set('7', 'new'), () => plainly.set('7', 'new'), () => users.add('7', 1), () => users.delete('7'), () => users.increment('7'),
    () => users.invalidateTag('a'), () => users.invalidatePrefix('7'),
  ];
  for (const change of changes) {
    const first = users.get('7');
    await ask({ 7: ['old'] });
    await first;
    change();
    users.get('7');
    assert.deepEqual((await ask()).slice(-1), [['get', 'users', '7']]);
    // Also when the old value comes after the change was made.
    const before = users.get('7');
    change();
    await ask({ 7: ['old'] });
    await before;
    users.get('7');
    assert.deepEqual((await ask()).slice(-1), [['get', 'users', '7']]);
  }
});

test('getMany asks for what is missing', async () => {
  const { link, users, ask } = await near();
  const first = users.get('7');
  await ask({ 7: ['seven'] });
  await first;
  const many = users.getMany(['6', '7', '8']);
  assert.deepEqual(await ask({ 6: [[6]] }), [['getMany', 'users', ['6', '8']]]);
  assert.deepEqual(await many, [[6], 'seven', undefined]);
  assert.deepEqual(await users.getMany(['7', '6']), ['seven', [6]]);
  assert.ok(await link.silent());
});

test('copies are bounded; the oldest goes first', async () => {
  const { link, users, ask } = await near({ maxEntries: 2 });
  for (const key of ['1', '2', '3']) {
    const got = users.get(key);
    await ask({ [key]: [key] });
    await got;
  }
  assert.deepEqual([await users.get('2'), await users.get('3')], ['2', '3']);
  assert.ok(await link.silent());
  users.get('1');
  assert.deepEqual(await ask(), [['get', 'users', '1']]);
});

test('with the cache off nothing is kept', async () => {
  const { link, users } = await near();
  const got = users.get('7');
  link.fail((await link.nextFrame()).id, 'cache-off');
  await assert.rejects(got, { code: 'cache-off' });
  const again = users.get('7');
  link.fail((await link.nextFrame()).id, 'cache-off');
  await assert.rejects(again, { code: 'cache-off' });
});
