// What drover and the runtime tell each other over the message channel, past the application: every
// DROVER_RUNTIME milliseconds how late the event loop was and how large the heap is, and the other way the
// wish that garbage be collected. Nothing here keeps a process alive.
'use strict';

(() => {
  const every = Number(process.env.DROVER_RUNTIME);
  // A child that the program forks has a channel, too, and it is not to drover.
  delete process.env.DROVER_RUNTIME;
  if (!every || !process.connected || !require('worker_threads').isMainThread) return;

  const bun = typeof Bun !== 'undefined';
  Object.defineProperty(global, Symbol.for('drover.runtime'), { value: true });
  // All of it now: what security.modules denies is of no use in Bun later.
  const { basename } = require('path');
  const { performance } = require('perf_hooks');
  const v8 = bun ? undefined : require('v8');
  const vm = bun ? undefined : require('vm');

  // The event loop is as late as this timer is. Each tick of an idle program costs about 150 µs, so there are few.
  // perf_hooks.monitorEventLoopDelay costs more, means another thing in Bun, and in Node.js loses a delay that is
  // going on when it is read.
  const ticksPerReport = 4;
  const tick = every / ticksPerReport;
  let due = performance.now() + tick;
  let worst = 0;
  let ticks = 0;

  // loopDelay is the worst since the last time.
  function loopDelay() {
    const was = Math.round(worst * 1000) / 1000;
    worst = 0;
    return was;
  }

  function heap() {
    if (bun) return { heapBytes: process.memoryUsage().heapUsed }; // it has no limit of its own
    const { used_heap_size: heapBytes, heap_size_limit: heapLimitBytes } = v8.getHeapStatistics();
    return { heapBytes, heapLimitBytes };
  }

  // Of npm and the like nobody wants to know; they do not hand the channel on.
  const runner = /^(npm|npx|yarn|yarnpkg|pnpm|pnpx|corepack)(-cli)?(\.[cm]?js)?$/;

  let unsent = false;
  const timer = setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - due);
    due = now + tick;
    if (++ticks < ticksPerReport) return;
    ticks = 0;
    if (!process.connected || runner.test(basename(process.argv[1] || ''))) {
      clearInterval(timer);
    } else if (!unsent) {
      unsent = true;
      process.send({ drover: 'runtime', loopDelayMs: loopDelay(), ...heap() }, undefined, undefined, () => { unsent = false; });
    }
  }, tick);
  timer.unref();

  function collect() {
    if (bun) return Bun.gc(true);
    if (typeof global.gc === 'function') return global.gc();
    // --expose-gc gives it to new contexts, and not to the one of the program.
    v8.setFlagsFromString('--expose-gc');
    const gc = vm.runInNewContext('gc');
    v8.setFlagsFromString('--no-expose-gc');
    return gc();
  }

  // The runtime keeps a message whose cmd begins with NODE_ from the listeners of the application.
  process.on('internalMessage', (message) => {
    if (message.drover === 'gc') collect();
  });
})();
