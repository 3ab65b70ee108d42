'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { worker } = require('./support/fake');

async function pong({ link }, id = 3) {
  link.receive({ drover: 'ping', id });
  const frame = await link.nextFrame();
  assert.equal(frame.drover, 'pong');
  assert.equal(frame.id, id);
  assert.ok(frame.loopDelayMs >= 0);
  return frame;
}

test('a ping is answered without any check', async () => {
  const frame = await pong(await worker());
  assert.deepEqual(Object.keys(frame), ['drover', 'id', 'loopDelayMs']);
});

test('checks say what they found', async () => {
  const w = await worker();
  const { health } = w.drover;
  health('ok', () => {});
  health('true', async () => true);
  health('details', () => ({ open: 4 }));
  health('false', () => false);
  health('throws', () => { throw new Error('disk full'); });
  health('rejects', async () => { throw new Error('no database'); });
  health('says', () => ({ ok: false, message: 'late', lag: 7 }));
  health('says more', () => ({ ok: true, details: { a: 1 } }));
  health(() => true);
  const { checks } = await pong(w);
  for (const check of checks) {
    assert.ok(check.ms >= 0);
    delete check.ms;
  }
  assert.deepEqual(checks, [
    { name: 'ok', ok: true }, { name: 'true', ok: true }, { name: 'details', ok: true, details: { open: 4 } }, { name: 'false', ok: false },
    { name: 'throws', ok: false, message: 'disk full' }, { name: 'rejects', ok: false, message: 'no database' },
    { name: 'says', ok: false, message: 'late', details: { lag: 7 } }, { name: 'says more', ok: true, details: { a: 1 } }, { name: 'app', ok: true },
  ]);
});

test('a check that hangs fails in time and is not started twice', async () => {
  const w = await worker();
  let started = 0;
  w.drover.health('db', () => {
    started++;
    return new Promise(() => {});
  }, { timeout: 20 });
  const hold = setTimeout(() => {}, 10_000); // the timeout of a check keeps no process alive
  for (const id of [3, 4]) {
    const { checks } = await pong(w, id);
    assert.deepEqual([checks[0].ok, checks[0].message], [false, 'no result within 20 ms']);
  }
  clearTimeout(hold);
  assert.equal(started, 1);
});

test('a blocked event loop shows', async () => {
  const w = await worker();
  await pong(w);
  const pending = pong(w, 4);
  const until = performance.now() + 50;
  while (performance.now() < until);
  assert.ok((await pending).loopDelayMs >= 30);
});

test('checks have names of a bounded length, and are bounded in number', async () => {
  const { health } = (await worker()).drover;
  assert.throws(() => health('', () => {}), { code: 'bad-frame' });
  assert.throws(() => health('x'.repeat(65), () => {}), { code: 'bad-frame' });
  assert.throws(() => health('a'), TypeError);
  for (let i = 0; i < 50; i++) health(`check ${i}`, () => {});
  health('check 7', () => {});
  assert.throws(() => health('one more', () => {}), { code: 'bad-frame' });
});
