// Tries to load modules in every way there is, and says of each what came of it.
const { createRequire } = require('module');
const path = require('path');

const folder = process.argv[2]; // has node_modules with the packages bad and good
const load = createRequire(path.join(folder, 'app.js'));
const tries = {
  'require built-in': () => load('child_process').execSync('true'),
  'require node:': () => load('node:child_process').execSync('true'),
  'import built-in': async () => (await import('child_process')).execSync('true'),
  'static import': () => import(path.join(folder, 'static.mjs')),
  'getBuiltinModule': () => (process.getBuiltinModule || load)('child_process').execSync('true'),
  'require package': () => load('bad'),
  'require file': () => load('./node_modules/bad/index.js'),
  'import package': () => import(path.join(folder, 'package.mjs')),
  'nested': () => load('good').bad(),
  'good package': () => load('good'),
  'import good': () => import(path.join(folder, 'good.mjs')),
  'own file': () => load('./own.js'),
  'fs': () => load('fs').statSync(folder),
  'missing': () => load('missing'),
};

(async () => {
  for (const [name, attempt] of Object.entries(tries)) {
    try {
      await attempt();
      console.log(name, 'loaded');
    } catch (err) {
      console.log(name, err.code === 'ERR_DROVER_MODULE' ? err.message.replace(/.*: /, '') : /annot find/.test(err.message) ? 'not found' : err.stack);
    }
  }
})();
