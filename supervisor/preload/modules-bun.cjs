// The part of modules.cjs for Bun, which has no hook for what import resolves to: packages are caught when their
// files are loaded, and of a built-in module that the settings deny every function throws, however it was imported.
'use strict';

const Module = require('module');

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

// below matches the beginning of a path within node_modules that a pattern stands for.
function below(pattern) {
  return pattern.endsWith('*') ? escape(pattern.slice(0, -1)) : `${escape(pattern)}(?:/|(?:\\.[cm]?[jt]sx?)?$)`;
}

// packageOf is the package that a pattern speaks of: what is allowed to load it needs its other files, too.
function packageOf(pattern) {
  const parts = pattern.split('/');
  return pattern.endsWith('*') ? pattern : parts.slice(0, pattern[0] === '@' ? 2 : 1).join('/');
}

module.exports = (rules, settings, checkRequire) => {
  for (const name of Module.builtinModules) {
    if (rules.denies(name)) disarm(require(name), name, rules);
  }

  const { require: load } = Module.prototype;
  Module.prototype.require = function (request) {
    if (typeof request === 'string') checkRequire(request, this, () => Module._resolveFilename(request, this, false));
    return load.apply(this, arguments);
  };

  const last = '/node_modules/(?!.*/node_modules/)';
  const refuse = (key) => ({ path }) => rules.refuse(key, path.slice(path.lastIndexOf('/node_modules/') + '/node_modules/'.length));
  Bun.plugin({
    name: 'drover-modules',
    setup(build) {
      if (settings.deny.length > 0) build.onLoad({ filter: new RegExp(`${last}(?:${settings.deny.map(below).join('|')})`) }, refuse('deny'));
      if (settings.allow.length > 0) build.onLoad({ filter: new RegExp(`${last}(?!${settings.allow.map(packageOf).map(below).join('|')})`) }, refuse('allow'));
    },
  });
};

// disarm has every function of a module throw.
function disarm(object, name, rules) {
  for (const key of Object.keys(object)) {
    if (typeof object[key] !== 'function') continue;
    try {
      object[key] = function () { rules.refuse('deny', name); };
    } catch (err) {
      // not to be changed
    }
  }
}
