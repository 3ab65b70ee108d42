'use strict';

const { DroverError } = require('./error');
const { Keyring } = require('./keyring');
const { matches } = require('./names');
const { compile } = require('./schema');
const { fits, plain } = require('./size');

// Payload puts data into frames and takes it out, encrypted where drover says so.
class Payload {
  constructor(session, worker) {
    this.max = Infinity;
    this.keyring = undefined; // encryption is off
    this.schemas = [];
    this.worker = worker;
    this.keys = new Keyring(worker);
    session.handle('keys', (frame) => this.keys.replace(frame));
  }

  // open takes what the answer to hello says.
  open({ maxMessageBytes, encryption, schemas }) {
    if (maxMessageBytes > 0) this.max = maxMessageBytes;
    if (encryption !== 'on') return;
    this.keyring = this.keys;
    this.schemas = Object.entries(schemas || {}).map(([pattern, schema]) => ({ pattern, check: checkOf(schema) }));
  }

  // put adds data for a pool to a frame; '*' stands for all pools.
  put(frame, type, data, pool) {
    const size = fits(data, this.max);
    if (this.keyring === undefined) {
      frame.data = plain(data);
      return frame;
    }
    frame.jwe = this.keyring.seal(JSON.stringify(plain(data)), type, pool);
    // Base64 adds a third to it, and a header.
    if (size * 2 + 1024 > this.max) fits(frame.jwe, this.max);
    return frame;
  }

  // take is the data of a frame.
  take(frame, type) {
    if (this.keyring === undefined) return frame.data;
    if (frame.jwe === undefined) throw new DroverError('refused', 'the payload is not encrypted');
    const text = this.keyring.open(frame.jwe, frame.from, type);
    try {
      return JSON.parse(text);
    } catch (err) {
      throw new DroverError('refused', `the payload is not JSON: ${err.message}`, { cause: err });
    }
  }

  // accept is take, for data that must be what the schema of its type says.
  accept(frame, type) {
    const data = this.take(frame, type);
    for (const { pattern, check } of this.schemas) {
      if (!matches(pattern, type)) continue;
      const fault = check(data);
      if (fault !== undefined) throw new DroverError('refused', `the data is not what the schema of ${pattern} says: ${fault}`);
    }
    return data;
  }
}

// checkOf is the check of a schema; one that cannot be read here, such as for a pattern that JavaScript does not know,
// lets nothing pass.
function checkOf(schema) {
  try {
    return compile(schema);
  } catch (err) {
    return () => `it cannot be checked here: ${err.message}`;
  }
}

module.exports = { Payload };
