// drover loads this into Node.js and Bun ahead of the program (--require in NODE_OPTIONS, --preload in
// BUN_OPTIONS). Each part does something only where drover's environment variables ask for it, and leaves
// everything else as it is; docs/workers.md has the details.
'use strict';

(() => {
  const loaded = Symbol.for('drover.preload');
  if (global[loaded]) return;
  Object.defineProperty(global, loaded, { value: true });
  require('./listen.cjs');
  require('./runtime.cjs');
  require('./modules.cjs'); // last: what drover itself loads is not asked
})();
