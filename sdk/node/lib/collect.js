'use strict';

const v8 = require('v8');
const vm = require('vm');

// collect has the runtime collect its garbage now: drover asks for it near the memory limit.
function collect() {
  if (typeof Bun !== 'undefined') Bun.gc(true);
  else if (typeof globalThis.gc === 'function') globalThis.gc();
  else exposed()();
}

// exposed is the function that --expose-gc gives to a new context, and to no other.
function exposed() {
  v8.setFlagsFromString('--expose-gc');
  const gc = vm.runInNewContext('gc');
  v8.setFlagsFromString('--no-expose-gc');
  return gc;
}

module.exports = { collect };
