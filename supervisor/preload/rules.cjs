// What security.modules of the settings says of a module, for require, import and what else loads one.
'use strict';

const { dirname, isAbsolute, sep } = require('path');
const { builtinModules } = require('module');

const BUILTIN = /^(node|bun):/;
const MODULES = `${sep}node_modules${sep}`;
const builtins = new Set(builtinModules);

// matcher is a pattern as a function: a name, which stands for what is below it, too, or the beginning of one with *
// at its end.
function matcher(pattern) {
  if (pattern.endsWith('*')) return (name) => name.startsWith(pattern.slice(0, -1));
  return (name) => name === pattern || name.startsWith(`${pattern}/`);
}

// builtinNames are the names of a module of the runtime's own, undefined for another.
function builtinNames(request) {
  const bare = request.replace(BUILTIN, '');
  if (bare === request && !builtins.has(request)) return undefined;
  return [bare, bare === request ? `node:${request}` : request];
}

// ofDrover says whether a file is one of drover's own, which may load what it needs.
const ofDrover = (file) => typeof file === 'string' && dirname(file) === __dirname;

// placeOf is where a file lies in its package, with / between the parts; undefined for one of the application's own.
function placeOf(file) {
  const at = file ? file.lastIndexOf(MODULES) : -1;
  if (at < 0) return undefined;
  const parts = file.slice(at + MODULES.length).split(sep);
  return { name: parts.join('/'), root: file.slice(0, at) + parts.slice(0, parts[0][0] === '@' ? 2 : 1).join('/') };
}

// isName says whether a request names a package, not a file.
const isName = (request) => !/^([./#]|[a-z]+:)/i.test(request) && !isAbsolute(request);

class Rules {
  constructor({ pool, allow, deny }) {
    this.pool = pool;
    this.allow = allow.length > 0 ? allow.map(matcher) : undefined;
    this.deny = deny.map(matcher);
  }

  // request checks what is asked for. It returns whether that is decided: the name of a built-in module says all.
  request(request, parent) {
    if (ofDrover(parent)) return true;
    const own = builtinNames(request);
    const names = own || (isName(request) ? [request] : []);
    if (this.named(this.deny, names)) this.refuse('deny', request, parent);
    if (own && this.allow && !this.named(this.allow, own)) this.refuse('allow', request, parent);
    return own !== undefined;
  }

  // file checks what the request turned out to be. What a package loads of its own files is not asked.
  file(file, request, parent) {
    const place = placeOf(file);
    if (place === undefined) return;
    const from = placeOf(parent);
    if (from && from.root === place.root) return;
    const names = isName(request) ? [place.name, request] : [place.name];
    if (this.named(this.deny, names)) this.refuse('deny', request, parent);
    if (this.allow && !this.named(this.allow, names)) this.refuse('allow', request, parent);
  }

  // denies says whether a built-in module is on the list.
  denies(name) { return this.named(this.deny, builtinNames(name)); }

  named(matchers, names) { return names.some((name) => matchers.some((matches) => matches(name))); }

  refuse(key, request, parent) {
    const why = key === 'deny' ? 'security.modules.deny of the pool names it' : 'security.modules.allow of the pool does not name it';
    const error = new Error(`drover does not let workers of pool ${this.pool} load "${request}"${parent ? `, which ${parent} asks for` : ''}: ${why}`);
    error.code = 'ERR_DROVER_MODULE';
    throw error;
  }
}

module.exports = { Rules };
