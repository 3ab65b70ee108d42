'use strict';

// collectGarbage does what drover asks for when a worker uses much of its memory.
function collectGarbage(runtime = globalThis) {
  if (typeof runtime.Bun !== 'undefined') return runtime.Bun.gc(true);
  if (typeof runtime.gc === 'function') return runtime.gc(); // --expose-gc
  // The flag may be set late: contexts that are made afterwards have the function.
  require('node:v8').setFlagsFromString('--expose-gc');
  return require('node:vm').runInNewContext('gc')();
}

module.exports = { collectGarbage };
