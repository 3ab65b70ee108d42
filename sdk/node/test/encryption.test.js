'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { importKey, open, seal } = require('../lib/jwe');
const { worker } = require('./support/fake');

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64url');
const OTHER = Buffer.alloc(32, 9).toString('base64url');
const key = importKey(KEY);
// What drover and the other SDKs make; their tests read them, too.
const { tokens } = require('../../../ipc/testdata/jwe.json');
const KEYS = {
  drover: 'keys',
  receive: { pool: 'app', keys: [{ kid: 'app.2', k: KEY }, { kid: 'app.1', k: OTHER }] },
  send: { app: { kid: 'app.1', k: OTHER }, jobs: { kid: 'jobs.5', k: KEY }, drover: { kid: 'drover.1', k: OTHER } },
};

function encrypted(hello) {
  return worker({ encryption: 'on', ...hello }, { before: (link) => link.receive(KEYS) });
}

// from seals what another worker would.
function from(sender, type, n, data, { kid = 'app.2', k = KEY, ...more } = {}) {
  return seal(JSON.stringify(data), importKey(k), { kid, from: sender, type, n, ...more });
}

const headerOf = (jwe) => JSON.parse(Buffer.from(jwe.split('.')[0], 'base64url'));
const textOf = (jwe, k) => open(jwe, () => importKey(k)).text;

test('JWE: what others make is read', () => {
  assert.ok(tokens.length > 0);
  for (const { k, header, plaintext, jwe } of tokens) {
    assert.deepEqual(open(jwe, () => importKey(k)), { header: JSON.parse(header), text: plaintext });
  }
});

test('JWE: nothing is read that was changed, or that is of another form', () => {
  const good = seal('text', key, { kid: 'a' });
  assert.equal(open(good, () => key).text, 'text');
  const parts = good.split('.');
  const f = (...other) => assert.throws(() => open(other.join('.'), () => key));
  const flip = (part) => (part[0] === 'A' ? 'B' : 'A') + part.slice(1);
  for (const i of [0, 2, 3, 4]) f(...parts.map((part, j) => (j === i ? flip(part) : part)));
  f(...parts.slice(0, 4));
  f(...parts, '');
  f(parts[0], 'AAAA', ...parts.slice(2));
  f(...parts.slice(0, 4), parts[4].slice(0, 16)); // a short tag
  f(...parts.slice(0, 3), `${parts[3]}=`, parts[4]);
  for (const header of [{ alg: 'none', enc: 'A256GCM' }, { alg: 'dir', enc: 'A128GCM' }, { alg: 'dir', enc: 'A256GCM', zip: 'DEF' }, { alg: 'dir', enc: 'A256GCM', crit: ['x'] }, null]) {
    f(Buffer.from(JSON.stringify(header)).toString('base64url'), ...parts.slice(1));
  }
  assert.throws(() => open(good, () => importKey(OTHER)));
  assert.throws(() => open(7, () => key));
  assert.throws(() => importKey('AAAA'));
});

test('what is sent is sealed for the pool that receives it, with n rising', async () => {
  const { link, drover } = await encrypted();
  drover.sendTo('jobs-2', 'task.run', { a: 'ä' });
  let frame = await link.nextFrame();
  assert.deepEqual(Object.keys(frame), ['drover', 'id', 'type', 'worker', 'jwe']);
  assert.deepEqual(headerOf(frame.jwe), { alg: 'dir', enc: 'A256GCM', kid: 'jobs.5', from: 'app-1.1', type: 'task.run', n: 1 });
  assert.equal(textOf(frame.jwe, KEY), '{"a":"ä"}');
  drover.broadcast('a');
  frame = await link.nextFrame();
  assert.deepEqual([headerOf(frame.jwe).kid, headerOf(frame.jwe).n, textOf(frame.jwe, OTHER)], ['app.1', 2, 'null']);
  drover.publish('orders.new', 7);
  frame = await link.nextFrame();
  assert.deepEqual(Object.keys(frame.jwe), ['app', 'jobs']);
  assert.deepEqual([headerOf(frame.jwe.app).n, headerOf(frame.jwe.jobs).n, headerOf(frame.jwe.jobs).type, textOf(frame.jwe.jobs, KEY)], [3, 4, 'orders.new', '7']);
  await assert.rejects(drover.sendTo('other-1', 'a'), { code: 'forbidden' });
});

test('messages are opened; copies, forgeries and plain ones are refused', async () => {
  const { link, drover } = await encrypted();
  const seen = [];
  drover.on('a', (data) => seen.push(data));
  let seq = 0;
  const f = async (frame, want) => {
    link.receive({ drover: 'message', seq: ++seq, from: 'app-2.1', type: 'a', ...frame });
    const got = await link.nextFrame();
    assert.equal(got.drover, want, JSON.stringify(got));
    if (want === 'nack') assert.equal(got.error.code, 'refused');
  };
  await f({ jwe: from('app-2.1', 'a', 5, 'one') }, 'ack');
  await f({ jwe: from('app-2.1', 'a', 5, 'copy') }, 'nack');
  await f({ jwe: from('app-2.1', 'a', 4, 'late') }, 'nack');
  await f({ jwe: from('app-3.1', 'a', 6, 'of another sender') }, 'nack');
  await f({ jwe: from('app-2.1', 'b', 6, 'of another type') }, 'nack');
  await f({ jwe: from('app-2.1', 'a', 6, 'with an unknown key', { kid: 'app.9' }) }, 'nack');
  await f({ jwe: from('app-2.1', 'a', 6, 'with a wrong key', { k: OTHER }) }, 'nack');
  await f({ jwe: from('app-2.1', 'a', 6.5, 'with half an n') }, 'nack');
  await f({ jwe: from('app-2.1', 'a', 6, 'with more in the header', { cty: 'x' }) }, 'nack');
  await f({ data: 'plain' }, 'nack');
  await f({ jwe: seal('{', key, { kid: 'app.2', from: 'app-2.1', type: 'a', n: 6 }) }, 'nack');
  await f({ jwe: from('app-2.1', 'a', 7, 'two', { kid: 'app.1', k: OTHER }) }, 'ack');
  await f({ from: 'app-3.1', jwe: from('app-3.1', 'a', 1, 'three') }, 'ack');
  assert.deepEqual(seen, ['one', 'two', 'three']);
});

test('requests and their answers are sealed; error answers are for people', async () => {
  const { link, drover } = await encrypted();
  drover.on('price.get', (sku) => ({ sku }));
  link.receive({ drover: 'request', id: 31, from: 'jobs-2.1', type: 'price.get', jwe: from('jobs-2.1', 'price.get', 1, 42) });
  const response = await link.nextFrame();
  assert.deepEqual([headerOf(response.jwe).kid, headerOf(response.jwe).type, textOf(response.jwe, KEY)], ['jobs.5', 'price.get', '{"sku":42}']);
  link.receive({ drover: 'request', id: 32, from: 'drover', type: 'price.get', jwe: from('drover', 'price.get', 1, 42) });
  assert.equal(headerOf((await link.nextFrame()).jwe).kid, 'drover.1');
  link.receive({ drover: 'request', id: 33, from: 'jobs-2.1', type: 'price.get', jwe: from('jobs-2.1', 'price.get', 1, 42) });
  assert.equal((await link.nextFrame()).error.code, 'refused');

  const answer = drover.request('jobs-2', 'price.get', 42);
  const { id } = await link.nextFrame();
  link.receive({ drover: 'reply', id, from: 'jobs-2.1', jwe: from('jobs-2.1', 'price.get', 2, 'sealed') });
  assert.equal(await answer, 'sealed');
  const plain = drover.request('jobs-2', 'price.get', 42);
  link.receive({ drover: 'reply', id: id + 1, from: 'jobs-2.1', data: 'plain' });
  await assert.rejects(plain, { code: 'refused' });
});

test('new keys take the place of the old ones', async () => {
  const { link, drover } = await encrypted();
  drover.on('a', () => {});
  link.receive({ drover: 'keys', receive: { pool: 'app', keys: [{ kid: 'app.3', k: OTHER }, { kid: 'app.2', k: KEY }] }, send: { app: { kid: 'app.3', k: OTHER } } });
  const f = async (n, kid, k, want) => {
    link.receive({ drover: 'message', seq: n, from: 'app-2.1', type: 'a', jwe: from('app-2.1', 'a', n, 1, { kid, k }) });
    assert.equal((await link.nextFrame()).drover, want);
  };
  await f(1, 'app.3', OTHER, 'ack');
  await f(2, 'app.2', KEY, 'ack');
  await f(3, 'app.1', OTHER, 'nack');
  drover.broadcast('a');
  assert.equal(headerOf((await link.nextFrame()).jwe).kid, 'app.3');
});

test('data that is not what the schema of its type says is refused', async () => {
  const { link, drover } = await encrypted({ schemas: { 'task.*': { type: 'object', required: ['id'], properties: { id: { type: 'integer' } } } } });
  const seen = [];
  drover.on('*', (data) => seen.push(data));
  const f = async (n, type, data) => {
    link.receive({ drover: 'message', seq: n, from: 'app-2.1', type, jwe: from('app-2.1', type, n, data) });
    return link.next();
  };
  assert.equal(await f(1, 'task.run', { id: 1 }), '{"drover":"ack","seq":1}');
  assert.equal(await f(2, 'task.run', { id: 'x' }), '{"drover":"nack","seq":2,"error":{"code":"refused","message":"the data is not what the schema of task.* says: $.id: it is no integer"}}');
  assert.equal(await f(3, 'other', { id: 'x' }), '{"drover":"ack","seq":3}');
  const odd = await encrypted({ schemas: { odd: { pattern: '(?<' } } });
  odd.drover.on('*', () => assert.fail('it was not checked'));
  odd.link.receive({ drover: 'message', seq: 1, from: 'app-2.1', type: 'odd', jwe: from('app-2.1', 'odd', 1, 'x') });
  assert.match((await odd.link.nextFrame()).error.message, /cannot be checked here/);
  link.receive({ drover: 'request', id: 9, from: 'app-2.1', type: 'task.run', jwe: from('app-2.1', 'task.run', 4, {}) });
  assert.equal((await link.nextFrame()).error.code, 'refused');
  assert.deepEqual(seen, [{ id: 1 }, { id: 'x' }]);
});
