'use strict';

const { DroverError } = require('./error');
const { Handlers } = require('./handlers');
const { Context } = require('./context');
const { DROVER } = require('./keyring');
const { checkName, poolOf, target } = require('./names');
const { plain } = require('./size');

// What of an error reaches others.
const MAX_ERROR = 1024;

// Messages are what workers say to each other and ask each other.
class Messages {
  constructor({ session, payload, stay, worker }) {
    this.session = session;
    this.payload = payload;
    this.stay = stay;
    this.worker = worker;
    this.handlers = new Handlers();
    this.open = new Map(); // by id: the requests of others that are being answered
    session.handle('request', (frame) => this.answer(frame));
    session.handle('cancel', (frame) => this.cancelled(frame));
  }

  broadcast(type, data, { pool } = {}) {
    return this.session.ask((kept) => {
      checkName(type);
      const frame = { drover: 'broadcast', id: 0, type };
      if (pool !== undefined) frame.pool = pool;
      return this.payload.put(frame, type, kept, pool === undefined ? this.worker.pool : pool);
    }, data);
  }

  sendTo(worker, type, data) {
    return this.session.ask((kept) => {
      checkName(type);
      return this.addressed({ drover: 'send', id: 0, type }, worker, kept);
    }, data);
  }

  sendToRandom(type, data, { pool, pick } = {}) {
    return this.sendTo({ pool, pick }, type, data);
  }

  request(to, type, data, { timeout, signal } = {}) {
    return new Promise((resolve, reject) => {
      let id = 0;
      let over = false;
      const abort = () => finish(new DroverError('cancelled', 'the request was cancelled', { cause: signal.reason }));
      // An answer that comes later finds nobody: the first call counts.
      const finish = (err, data) => {
        if (over) return;
        over = true;
        if (signal) signal.removeEventListener('abort', abort);
        if (err) {
          if (id > 0 && err.code === 'cancelled') this.session.tell({ drover: 'cancel', id });
          reject(err);
        } else {
          resolve(data);
        }
      };
      if (signal) {
        if (signal.aborted) return abort();
        signal.addEventListener('abort', abort);
      }
      const kept = this.session.keep(data);
      this.session.whenOpen(() => {
        if (over) return;
        try {
          checkName(type);
          const frame = { drover: 'request', id: 0, type };
          if (timeout !== undefined) frame.timeoutMs = Math.ceil(timeout);
          id = this.session.call(this.addressed(frame, to, kept), (err, reply) => {
            id = 0;
            if (err) return finish(err);
            try {
              finish(null, this.payload.take(reply, type));
            } catch (refused) {
              finish(refused);
            }
          });
        } catch (err) {
          finish(err);
        }
      });
    });
  }

  addressed(frame, to, data) {
    target(frame, to);
    const pool = frame.worker !== undefined ? poolOf(frame.worker) : frame.pool === undefined ? this.worker.pool : frame.pool;
    return this.payload.put(frame, frame.type, data, pool);
  }

  on(type, handler) {
    this.handlers.add(type, handler);
    this.stay.add();
  }

  off(type, handler) {
    if (this.handlers.remove(type, handler) >= 0) this.stay.remove();
  }

  // deliver gives a message to all that handle its type.
  deliver(frame, data) {
    const handlers = this.handlers.all(frame.type);
    if (handlers.length === 0) throw new DroverError('no-handler', `nobody handles ${frame.type} here`);
    const context = new Context(frame.from, frame.type);
    for (const handler of handlers) run(handler, data, context);
  }

  // answer gives a request to the one that handles its type, and sends back what comes of it.
  answer(frame) {
    const context = new Context(frame.from, frame.type);
    this.open.set(frame.id, context);
    let result;
    try {
      const data = this.payload.accept(frame, frame.type);
      const handler = this.handlers.first(frame.type);
      if (handler === undefined) throw new DroverError('no-handler', `nobody handles ${frame.type} here`);
      result = handler(data, context);
    } catch (err) {
      return this.respond(frame, err);
    }
    if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
      result.then((data) => this.respond(frame, null, data), (err) => this.respond(frame, err));
    } else {
      this.respond(frame, null, result);
    }
  }

  respond(frame, err, data) {
    if (!this.open.delete(frame.id)) return; // nobody waits any more
    const response = { drover: 'response', id: frame.id };
    if (!err) {
      try {
        this.payload.put(response, frame.type, plain(data), frame.from === DROVER ? DROVER : poolOf(frame.from));
      } catch (unfit) {
        err = unfit;
      }
    }
    if (err) response.error = describe(err);
    this.session.tell(response);
  }

  cancelled(frame) {
    const context = this.open.get(frame.id);
    this.open.delete(frame.id);
    if (context !== undefined) context.cancel();
  }
}

// describe is what the other side is told of an error. Codes are passed on where the handler chose one.
function describe(err) {
  const message = String((err && err.message) || err).slice(0, MAX_ERROR);
  return { code: err instanceof DroverError ? err.code : 'handler-error', message };
}

// run calls a handler that is not waited for. Its failure is the application's; it must not end the worker or reach
// the next handler.
function run(handler, ...args) {
  const report = (err) => console.error('drover: a handler failed:', err);
  try {
    const result = handler(...args);
    if (result !== null && typeof result === 'object' && typeof result.then === 'function') result.then(undefined, report);
  } catch (err) {
    report(err);
  }
}

module.exports = { Messages, run };
