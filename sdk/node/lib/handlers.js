'use strict';

const { checkPattern } = require('./names');

// Handlers are functions by the types that they take: names, or beginnings of names with * at the end.
class Handlers {
  constructor() {
    this.exact = new Map();
    this.prefixes = [];
  }

  // add returns how many functions the pattern has now.
  add(pattern, fn) {
    checkPattern(pattern);
    if (typeof fn !== 'function') throw new TypeError('the handler is not a function');
    if (pattern.endsWith('*')) {
      this.prefixes.push({ pattern, prefix: pattern.slice(0, -1), fn });
      return this.prefixes.filter((p) => p.pattern === pattern).length;
    }
    const fns = this.exact.get(pattern);
    if (fns === undefined) this.exact.set(pattern, [fn]);
    else fns.push(fn);
    return fns === undefined ? 1 : fns.length;
  }

  // remove takes one function away. It returns how many the pattern has left, or -1 where there was no such function.
  remove(pattern, fn) {
    if (pattern.endsWith('*')) {
      const at = this.prefixes.findIndex((p) => p.pattern === pattern && p.fn === fn);
      if (at < 0) return -1;
      this.prefixes.splice(at, 1);
      return this.prefixes.filter((p) => p.pattern === pattern).length;
    }
    const fns = this.exact.get(pattern) || [];
    const at = fns.indexOf(fn);
    if (at < 0) return -1;
    fns.splice(at, 1);
    if (fns.length === 0) this.exact.delete(pattern);
    return fns.length;
  }

  // all is the functions for a name: those for just this name first, then in the order in which they were added.
  all(name) {
    const exact = this.exact.get(name) || [];
    const wide = this.prefixes.filter((p) => name.startsWith(p.prefix)).map((p) => p.fn);
    return wide.length === 0 ? [...exact] : exact.concat(wide);
  }

  // first is the one that answers requests.
  first(name) {
    const exact = this.exact.get(name);
    if (exact !== undefined) return exact[0];
    const wide = this.prefixes.find((p) => name.startsWith(p.prefix));
    return wide && wide.fn;
  }
}

module.exports = { Handlers };
