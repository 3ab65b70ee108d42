'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { run } = require('./support/child');

for (const how of ['channel', 'socket']) {
  test(`${how}: garbage is collected when drover asks for it, and the application hears nothing of that`, async (t) => {
    const { peer, said } = await run(t, how, `
      const runtime = typeof Bun === 'undefined' ? globalThis : Bun;
      let collected = 0;
      runtime.gc = () => { collected++; };
      process.on('message', (m) => { if (m.drover === 'gc') say('heard', m); });
      drover.on('collected', () => say(collected));
      drover.ready();`);
    await peer.welcome();
    assert.equal(await peer.next(), '{"drover":"ready"}');
    const ask = (seq) => peer.send({ drover: 'message', seq, from: 'app-2.1', type: 'collected', data: null });
    ask(1);
    assert.deepEqual(await said(), [0]);
    peer.send('{"drover":"gc","cmd":"NODE_DROVER_GC"}');
    ask(2);
    assert.deepEqual(await said(), [1]);
  });
}
