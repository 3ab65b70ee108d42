'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { DroverError } = require('../lib/error');
const { worker } = require('./support/fake');

test('the frames of messages are those of the protocol', async () => {
  const { link, drover } = await worker();
  const f = async (promise, line, data) => {
    assert.equal(await link.next(), line);
    link.reply(JSON.parse(line).id, data);
    assert.deepEqual(await promise, data);
  };
  const delivery = { worker: 'app-2.1', acknowledged: true };
  const result = { received: 2, sent: 1, failed: [{ worker: 'app-4.1', code: 'queue-full', message: 'full' }] };
  await f(drover.sendTo('app-2', 'price.changed', { sku: 42 }), '{"drover":"send","id":2,"type":"price.changed","worker":"app-2","data":{"sku":42}}', delivery);
  await f(drover.sendToRandom('task.run', [1, 2], { pool: 'jobs', pick: 'least-busy' }), '{"drover":"send","id":3,"type":"task.run","pool":"jobs","pick":"least-busy","data":[1,2]}', delivery);
  await f(drover.sendToRandomWorker('task.run'), '{"drover":"send","id":4,"type":"task.run","data":null}', delivery);
  await f(drover.broadcast('price.changed', { sku: 42 }), '{"drover":"broadcast","id":5,"type":"price.changed","data":{"sku":42}}', result);
  await f(drover.broadcastToWorkers('price.changed', 1, { pool: '*' }), '{"drover":"broadcast","id":6,"type":"price.changed","pool":"*","data":1}', result);
  await f(drover.publish('orders.new', { order: 7 }), '{"drover":"publish","id":7,"topic":"orders.new","data":{"order":7}}', result);
});

test('a request carries its timeout and resolves to what the other worker answers', async () => {
  const { link, drover } = await worker();
  const answer = drover.request('app-2', 'price.get', 42, { timeout: 1999.5 });
  assert.equal(await link.next(), '{"drover":"request","id":2,"type":"price.get","timeoutMs":2000,"worker":"app-2","data":42}');
  link.receive('{"drover":"reply","id":2,"from":"app-2.1","data":{"price":3}}');
  assert.deepEqual(await answer, { price: 3 });
});

test('error replies are DroverErrors with their code', async () => {
  const { link, drover } = await worker();
  const answer = drover.request({ pool: 'jobs' }, 'a');
  link.fail(2, 'no-target', 'there is no other worker in jobs');
  await assert.rejects(answer, (err) => err instanceof DroverError && err.code === 'no-target' && err.message === 'there is no other worker in jobs');
});

test('what is wrong is refused before it is sent', async () => {
  const { link, drover } = await worker({ maxMessageBytes: 1000 });
  const f = (promise, code) => assert.rejects(promise, (err) => err instanceof DroverError && err.code === code);
  await f(drover.broadcast(''), 'bad-type');
  await f(drover.broadcast('-a'), 'bad-type');
  await f(drover.broadcast('a'.repeat(129)), 'bad-type');
  await f(drover.publish('a b'), 'bad-type');
  await f(drover.sendTo('nobody', 'a'), 'no-target');
  await f(drover.sendTo(null, 'a'), 'bad-frame');
  await f(drover.broadcast('a', 'x'.repeat(999)), 'too-large');
  await f(drover.broadcast('a', 'ä'.repeat(500)), 'too-large');
  await f(drover.request('app-2', 'a', { deep: ['x'.repeat(999)] }), 'too-large');
  const circle = {};
  circle.again = circle;
  await f(drover.broadcast('a', circle), 'bad-frame');
  await f(drover.broadcast('a', 1n), 'bad-frame');
  assert.ok(await link.silent());
  drover.broadcast('a', 'x'.repeat(998)); // with its quotes just 1000
  assert.equal((await link.nextFrame()).data.length, 998);
});

test('an aborted signal cancels the request, once', async () => {
  const { link, drover } = await worker();
  const control = new AbortController();
  const answer = drover.request('app-2', 'a', 1, { signal: control.signal });
  await link.next();
  control.abort(new Error('the client has gone'));
  await assert.rejects(answer, (err) => err.code === 'cancelled' && err.cause.message === 'the client has gone');
  assert.equal(await link.next(), '{"drover":"cancel","id":2}');
  link.fail(2, 'cancelled');
  assert.ok(await link.silent());
  await assert.rejects(drover.request('app-2', 'a', 1, { signal: control.signal }), { code: 'cancelled' });
  assert.ok(await link.silent());
});

test('a signal that is aborted after the answer does nothing', async () => {
  const { link, drover } = await worker();
  const control = new AbortController();
  const answer = drover.request('app-2', 'a', 1, { signal: control.signal });
  await link.next();
  link.reply(2, 'fine');
  assert.equal(await answer, 'fine');
  control.abort();
  assert.ok(await link.silent());
});

test('messages are acknowledged once for all that arrive together', async () => {
  const { link, drover } = await worker();
  const seen = [];
  drover.on('price.changed', (data, { from, type }) => seen.push([data, from, type]));
  link.receive('{"drover":"message","seq":7,"from":"app-2.1","type":"price.changed","data":{"sku":42}}');
  link.receive('{"drover":"message","seq":8,"from":"app-3.1","type":"price.changed","data":{"sku":43}}');
  assert.equal(await link.next(), '{"drover":"ack","seq":8}');
  assert.deepEqual(seen, [[{ sku: 42 }, 'app-2.1', 'price.changed'], [{ sku: 43 }, 'app-3.1', 'price.changed']]);
  assert.ok(await link.silent());
  link.receive('{"drover":"message","seq":9,"from":"app-3.1","type":"price.changed","data":1}');
  assert.equal(await link.next(), '{"drover":"ack","seq":9}');
});

test('a message that nobody handles is refused, which acknowledges those before it', async () => {
  const { link, drover } = await worker();
  drover.on('a', () => {});
  link.receive('{"drover":"message","seq":1,"from":"app-2.1","type":"a","data":1}');
  link.receive('{"drover":"message","seq":2,"from":"app-2.1","type":"b","data":1}');
  link.receive('{"drover":"message","seq":3,"from":"app-2.1","type":"a","data":1}');
  assert.equal(await link.next(), '{"drover":"nack","seq":2,"error":{"code":"no-handler","message":"nobody handles b here"}}');
  assert.equal(await link.next(), '{"drover":"ack","seq":3}');
  assert.ok(await link.silent());
});

test('every handler of a type gets a message, exact ones first; off ends it', async () => {
  const { link, drover } = await worker();
  const seen = [];
  const wide = () => seen.push('wide');
  const exact = () => seen.push('exact');
  drover.on('task.*', wide);
  drover.on('task.run', exact);
  drover.on('*', () => seen.push('all'));
  link.receive('{"drover":"message","from":"app-2.1","type":"task.run","data":1}');
  assert.deepEqual(seen.splice(0), ['exact', 'wide', 'all']);
  drover.off('task.*', wide);
  drover.off('task.run', exact);
  link.receive('{"drover":"message","from":"app-2.1","type":"task.run","data":1}');
  assert.deepEqual(seen, ['all']);
  assert.ok(await link.silent(), 'no seq, no ack');
  assert.throws(() => drover.on('a*b', wide), { code: 'bad-type' });
  assert.throws(() => drover.on('a'), TypeError);
});

test('a handler that fails harms neither the next one nor the worker', async (t) => {
  const { link, drover } = await worker();
  const said = [];
  const { error } = console;
  console.error = (...args) => said.push(args.map(String).join(' '));
  try {
    let reached = 0;
    drover.on('a', () => { throw new Error('first'); });
    drover.on('a', async () => { throw new Error('second'); });
    drover.on('a', () => { reached++; });
    link.receive('{"drover":"message","seq":1,"from":"app-2.1","type":"a","data":1}');
    assert.equal(await link.next(), '{"drover":"ack","seq":1}');
    await link.silent();
    assert.equal(reached, 1);
  } finally {
    console.error = error;
  }
  assert.deepEqual(said, ['drover: a handler failed: Error: first', 'drover: a handler failed: Error: second']);
});

test('requests are answered by what the handler returns or promises', async () => {
  const { link, drover } = await worker();
  const f = async (handler, tail) => {
    drover.on('price.get', handler);
    link.receive('{"drover":"request","id":31,"from":"app-2.1","type":"price.get","data":42}');
    assert.equal(await link.next(), `{"drover":"response","id":31,${tail}}`);
    drover.off('price.get', handler);
  };
  await f((sku, { from, type }) => ({ sku, from, type }), '"data":{"sku":42,"from":"app-2.1","type":"price.get"}');
  await f(async (sku) => sku + 1, '"data":43');
  await f(() => undefined, '"data":null');
  await f(() => { throw new Error('no price'); }, '"error":{"code":"handler-error","message":"no price"}');
  await f(async () => { throw new Error('no price'); }, '"error":{"code":"handler-error","message":"no price"}');
  await f(() => { throw new DroverError('sold-out', 'come back later'); }, '"error":{"code":"sold-out","message":"come back later"}');
  await f(() => 1n, '"error":{"code":"bad-frame","message":"the data cannot be written as JSON: ' + reason(1n) + '"}');
  await f(() => 'x'.repeat(2 << 20), '"error":{"code":"too-large","message":"the data has 2097154 bytes; at most 1048576 are allowed"}');
  link.receive('{"drover":"request","id":31,"from":"app-2.1","type":"price.get","data":42}');
  assert.equal(await link.next(), '{"drover":"response","id":31,"error":{"code":"no-handler","message":"nobody handles price.get here"}}');
});

// Node.js and Bun word it differently.
function reason(value) {
  try {
    return JSON.stringify(value);
  } catch (err) {
    return err.message;
  }
}

test('a request has one answer: of the handler for just this type, else of the first', async () => {
  const { link, drover } = await worker();
  drover.on('task.*', () => 'wide');
  drover.on('task.*', () => 'later');
  link.receive('{"drover":"request","id":1,"from":"app-2.1","type":"task.run","data":1}');
  assert.equal((await link.nextFrame()).data, 'wide');
  drover.on('task.run', () => 'exact');
  link.receive('{"drover":"request","id":2,"from":"app-2.1","type":"task.run","data":1}');
  assert.equal((await link.nextFrame()).data, 'exact');
});

test('a cancelled request aborts the signal and is not answered', async () => {
  const { link, drover } = await worker();
  let cancelled;
  drover.on('slow', (data, { signal }) => new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      cancelled = true;
      resolve('too late');
    });
  }));
  link.receive('{"drover":"request","id":31,"from":"app-2.1","type":"slow","data":1}');
  link.receive('{"drover":"cancel","id":31}');
  assert.ok(await link.silent());
  assert.equal(cancelled, true);
  let late;
  drover.on('later', async (data, context) => {
    await null;
    late = context.signal.aborted;
  });
  link.receive('{"drover":"request","id":32,"from":"app-2.1","type":"later","data":1}');
  link.receive('{"drover":"cancel","id":32}');
  assert.ok(await link.silent());
  assert.equal(late, true);
});
