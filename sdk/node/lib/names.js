'use strict';

const { DroverError } = require('./error');

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/;
const PATTERN = /^(?:\*|[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}|[A-Za-z0-9][A-Za-z0-9._:/-]{0,126}\*)$/;
const WORKER = /^(.+)-([1-9][0-9]*)(?:\.([1-9][0-9]*))?$/;

// checkName refuses what is no name of a type or a topic.
function checkName(name) {
  if (typeof name !== 'string' || !NAME.test(name)) throw new DroverError('bad-type', `${JSON.stringify(name)} is no name of a type or a topic`);
}

// checkPattern refuses what is neither a name nor the beginning of one with * at its end.
function checkPattern(pattern) {
  if (typeof pattern !== 'string' || !PATTERN.test(pattern)) throw new DroverError('bad-type', `${JSON.stringify(pattern)} is neither a name nor the beginning of one with * at its end`);
}

// matches says whether a pattern covers a name.
function matches(pattern, name) {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

// poolOf is the pool of a worker: app of app-2 and of app-2.7.
function poolOf(worker) {
  const parts = WORKER.exec(worker);
  return parts ? parts[1] : '';
}

// target puts who is meant into a frame: 'app-2', 'app-2.7', or { worker } or { pool, pick }.
function target(frame, to) {
  if (typeof to === 'string') to = { worker: to };
  if (to === null || typeof to !== 'object') throw new DroverError('bad-frame', 'the target is a worker, as in app-2, or { pool, pick }');
  if (to.worker !== undefined) {
    if (!poolOf(String(to.worker))) throw new DroverError('no-target', `${JSON.stringify(to.worker)} is no worker: write POOL-SLOT, as in app-2`);
    frame.worker = to.worker;
    return frame;
  }
  if (to.pool !== undefined) frame.pool = to.pool;
  if (to.pick !== undefined) frame.pick = to.pick;
  return frame;
}

module.exports = { checkName, checkPattern, matches, poolOf, target, WORKER };
