'use strict';

const { DroverError } = require('./error');

// The most bytes that one UTF-16 unit can take in JSON: \u0000.
const PER_UNIT = 6;
// A value with more parts than this is written out to be measured.
const FEW = 64;

// fits checks the size of a value's JSON and returns an upper bound of it in bytes. Small values, which most are,
// are not written out for that.
function fits(value, max) {
  const quick = bound(value, { parts: FEW });
  if (quick <= max) return quick;
  const text = write(value);
  const size = text === undefined ? 4 : text.length * 3 <= max ? text.length * 3 : Buffer.byteLength(text);
  if (size > max) throw new DroverError('too-large', `the data has ${size} bytes; at most ${max} are allowed`);
  return size;
}

function write(value) {
  try {
    return JSON.stringify(value);
  } catch (err) { // a circle, a BigInt, a toJSON that throws
    throw new DroverError('bad-frame', `the data cannot be written as JSON: ${err.message}`, { cause: err });
  }
}

// bound is at least as large as the value's JSON; Infinity: it was not found out.
function bound(value, budget) {
  switch (typeof value) {
    case 'string': return value.length * PER_UNIT + 2;
    case 'object': break;
    case 'bigint': return Infinity; // JSON.stringify has an opinion on it
    default: return 32; // numbers have 25 at most
  }
  if (value === null) return 4;
  if (typeof value.toJSON === 'function') return Infinity;
  let sum = 2;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (--budget.parts < 0) return Infinity;
      sum += bound(value[i], budget) + 1;
    }
    return sum;
  }
  if (value instanceof String) return Infinity;
  for (const key in value) {
    if (--budget.parts < 0) return Infinity;
    sum += key.length * PER_UNIT + 4 + bound(value[key], budget);
  }
  return sum;
}

// plain is what a frame carries in place of what JSON does not have.
function plain(value) {
  return value === undefined || typeof value === 'function' || typeof value === 'symbol' ? null : value;
}

// snapshot is the value as it is now, for what is written later: the application may change it meanwhile.
function snapshot(value) {
  if (value === null || typeof value !== 'object') return value;
  const text = write(value);
  return text === undefined ? undefined : JSON.parse(text);
}

module.exports = { fits, plain, snapshot };
