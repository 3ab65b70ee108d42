'use strict';

// Real processes at the other end of a real socket, in the ways in which drover starts them.
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { run } = require('./support/child');
const { version } = require('../package.json');

for (const how of ['channel', 'socket']) {
  const key = how === 'socket' ? ',"key":"the key"' : '';

  test(`${how}: hello, ready, messages and acknowledgements, line by line`, async (t) => {
    const { peer, said } = await run(t, how, `
      drover.on('price.changed', (data, { from }) => say(data, from));
      drover.on('price.get', (sku) => ({ sku }));
      drover.ready();
      say(await drover.sendTo('app-2', 'greeting', 'zażółć 😀'));`);
    assert.equal(await peer.welcome(), `{"drover":"hello","id":1,"version":1,"client":"node/${version}","acks":true${key}}`);
    assert.equal(await peer.next(), '{"drover":"ready"}');
    assert.equal(await peer.next(), '{"drover":"send","id":2,"type":"greeting","worker":"app-2","data":"zażółć 😀"}');
    peer.send('{"drover":"reply","id":2,"data":{"worker":"app-2.1","acknowledged":true}}');
    assert.deepEqual(await said(), [{ worker: 'app-2.1', acknowledged: true }]);
    peer.send('{"drover":"message","seq":1,"from":"app-2.1","type":"price.changed","data":{"sku":"żółw"}}\n{"drover":"message","seq":2,"from":"app-2.1","type":"price.changed","data":2}');
    assert.equal(await peer.next(), '{"drover":"ack","seq":2}');
    assert.deepEqual([await said(), await said()], [[{ sku: 'żółw' }, 'app-2.1'], [2, 'app-2.1']]);
    peer.send('{"drover":"request","id":31,"from":"app-2.1","type":"price.get","data":42}');
    assert.equal(await peer.next(), '{"drover":"response","id":31,"data":{"sku":42}}');
  });

  test(`${how}: long lines and lines in pieces are put together`, async (t) => {
    const { peer, said } = await run(t, how, `
      drover.on('big', (data) => say(data.length, data.slice(-3)));
      drover.on('back', (n) => 'ä'.repeat(n));`);
    await peer.welcome();
    const big = 'ä'.repeat(400_000);
    peer.send({ drover: 'message', seq: 1, from: 'app-2.1', type: 'big', data: big });
    assert.deepEqual(await said(), [400_000, 'äää']);
    assert.equal(await peer.next(), '{"drover":"ack","seq":1}');
    const line = `${JSON.stringify({ drover: 'message', seq: 2, from: 'app-2.1', type: 'big', data: 'äöü' })}\n`;
    for (const byte of Buffer.from(line)) {
      peer.socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    assert.deepEqual(await said(), [3, 'äöü']);
    assert.equal(await peer.next(), '{"drover":"ack","seq":2}');
    peer.send({ drover: 'request', id: 9, from: 'app-2.1', type: 'back', data: 400_000 });
    assert.equal(JSON.parse(await peer.next()).data, big);
  });

  test(`${how}: the package alone keeps no process alive`, async (t) => {
    const { peer, exited } = await run(t, how, "drover.ready(); drover.health('a', () => true); drover.onShutdown(() => {}); drover.metrics.counter('a_total').inc();");
    peer.welcome();
    assert.equal(await exited, 0);
  });

  test(`${how}: what is asked for keeps it alive until the answer`, async (t) => {
    const { peer, exited, said } = await run(t, how, "say(await drover.request('app-2', 'a')); say(await drover.cache.get('k'));");
    await peer.welcome();
    await peer.next();
    peer.send('{"drover":"reply","id":2,"from":"app-2.1","data":"answer"}');
    assert.deepEqual(await said(), ['answer']);
    assert.equal(await peer.next(), '{"drover":"cache","id":3,"ops":[["get","default","k"]]}');
    peer.send('{"drover":"reply","id":3,"data":[["value"]]}');
    assert.deepEqual(await said(), ['value']);
    assert.equal(await exited, 0);
  });

  test(`${how}: handlers keep it alive until it is told to shut down`, async (t) => {
    const { peer, exited, said } = await run(t, how, "drover.on('a', () => {}); drover.onShutdown((grace) => say('grace', grace));");
    await peer.welcome();
    peer.send('{"drover":"shutdown","type":"shutdown","graceSeconds":30}');
    assert.deepEqual(await said(), ['grace', 30]);
    assert.equal(await exited, 0);
  });

  test(`${how}: when drover is gone what is open fails, and the process lives on`, async (t) => {
    const { peer, exited, said } = await run(t, how, `
      setTimeout(() => {}, 1e6);
      await drover.request('app-2', 'a').catch((err) => say(err.name, err.code));
      await drover.cache.get('k').catch((err) => say(err.code));
      process.exit(7);`);
    await peer.welcome();
    await peer.next();
    peer.socket.destroy();
    assert.deepEqual(await said(), ['DroverError', 'closed']);
    assert.deepEqual(await said(), ['closed']);
    assert.equal(await exited, 7);
  });

  test(`${how}: numbers are told at the latest when the process ends`, async (t) => {
    const { peer, exited } = await run(t, how, "await drover.broadcast('a'); drover.metrics.counter('a_total').inc(); process.exit(0);");
    await peer.welcome();
    await peer.next();
    peer.send('{"drover":"reply","id":2,"data":{"received":0,"sent":0,"failed":[]}}');
    assert.equal(await exited, 0);
    assert.equal(JSON.parse(await peer.next()).metrics[0].name, 'a_total');
  });
}

test('channel: the application has its own messages as before', async (t) => {
  const { peer, said, exited } = await run(t, 'channel', `
    process.on('message', function mine(m) { if (m.drover) return; say(m); process.removeListener('message', mine); });
    process.send({ hello: 'drover' });`);
  await peer.welcome();
  assert.equal(await peer.next(), '{"hello":"drover"}');
  peer.send('{"bare":1}');
  assert.deepEqual(await said(), [{ bare: 1 }]);
  assert.equal(await exited, 0);
});

test('SIGTERM: onShutdown is waited for, then the process ends with 0', async (t) => {
  const { child, peer, said, exited } = await run(t, 'channel', `
    setTimeout(() => {}, 1e6);
    drover.onShutdown(async () => { await new Promise((done) => setTimeout(done, 20)); say('closed'); });
    say('up');`);
  await peer.welcome();
  assert.deepEqual(await said(), ['up']);
  child.kill('SIGTERM');
  assert.deepEqual(await said(), ['closed']);
  assert.equal(await exited, 0);
});

test('SIGTERM: without onShutdown it ends the process as ever', async (t) => {
  const { child, peer, said, exited } = await run(t, 'channel', "setTimeout(() => {}, 1e6); say('up');");
  await peer.welcome();
  assert.deepEqual(await said(), ['up']);
  child.kill('SIGTERM');
  assert.equal(await exited, 'SIGTERM');
});

test('one process of a worker has the channel; others of it are told', async (t) => {
  const { peer, said } = await run(t, 'channel', `
    say(process.env.DROVER_IPC_FD, process.env.DROVER_IPC_KEY);
    const { fork, execFileSync } = require('child_process');
    const { Worker } = require('worker_threads');
    const ask = "require(" + JSON.stringify(${JSON.stringify(require.resolve('../index.js'))}) + ").broadcast('a').catch((err) => console.log(err.code))";
    say(String(execFileSync(process.execPath, ['-e', ask])).trim());
    new Worker(ask.replace('console.log(err.code)', "require('worker_threads').parentPort.postMessage(err.code)"), { eval: true }).on('message', (code) => say('thread', code));`);
  await peer.welcome();
  assert.deepEqual(await said(), [null, null]);
  assert.deepEqual(await said(), ['closed']);
  assert.deepEqual(await said(), ['thread', 'closed']);
});

test('outside drover it is a cluster of one', async (t) => {
  const { said, exited } = await run(t, 'alone', "say(drover.worker, await drover.broadcast('a')); await drover.cache.set('k', 1); say(await drover.cache.get('k'));");
  assert.deepEqual(await said(), [{ id: 'app-1.1', pool: 'app', slot: 1, generation: 1 }, { received: 0, sent: 0, failed: [] }]);
  assert.deepEqual(await said(), [1]);
  assert.equal(await exited, 0);
});
