'use strict';

const { DroverError } = require('./error');
const { snapshot } = require('./size');

const VERSION = 1;
const CLIENT = `node/${require('../package.json').version}`;
// Drover answers hello at once; what does not is not drover.
const HELLO_MS = 10_000;

// Session is one conversation with drover over a link: hello, then frames with ids and their replies. Frames of
// the application wait until hello was answered, because the answer says what they must look like.
class Session {
  constructor(link, helloMs = HELLO_MS) {
    this.link = link;
    this.helloMs = helloMs;
    this.lastID = 0;
    this.pending = new Map(); // by id: what takes the reply
    this.verbs = new Map(); // by verb: what takes frames of drover's own
    this.waiting = []; // until hello is answered
    this.info = undefined; // the data of that answer
    this.error = undefined; // why the session has ended
    this.holders = 0;
  }

  // start connects and says hello. onOpen is called with the answer's data before anything that waited is sent.
  start(onOpen) {
    this.link.start({ frame: (f) => this.receive(f), closed: (err) => this.close(err) });
    const late = setTimeout(() => this.close(new DroverError('closed', 'what is at the other end of the channel does not answer as drover does')), this.helloMs);
    late.unref();
    const id = ++this.lastID;
    this.greeted = (reply) => {
      if (reply.id !== id) return;
      this.greeted = undefined;
      clearTimeout(late);
      if (reply.error) return this.close(DroverError.from(reply.error));
      this.info = reply.data;
      onOpen(this.info);
      this.sendWaiting();
    };
    this.link.send({ drover: 'hello', id, version: VERSION, client: CLIENT, acks: true });
  }

  // whenOpen runs send now, or after hello was answered, in order.
  whenOpen(send) {
    if (this.info !== undefined || this.error !== undefined) return send();
    if (this.waiting.length === 0) this.hold();
    this.waiting.push(send);
  }

  sendWaiting() {
    const waiting = this.waiting;
    this.waiting = [];
    for (const send of waiting) send();
    if (waiting.length > 0) this.release();
  }

  // handle names what takes frames of a verb.
  handle(verb, take) { this.verbs.set(verb, take); }

  // call sends a frame under an id of its own, which it returns; done(err, reply) is called once. The frame has a place
  // for the id ahead of what the application says, so that drover finds it where it cannot read that.
  call(frame, done) {
    if (this.error !== undefined) {
      done(this.error);
      return 0;
    }
    const id = ++this.lastID;
    frame.id = id;
    if (this.pending.size === 0) this.hold();
    this.pending.set(id, done);
    this.link.send(frame);
    return id;
  }

  // keep is data as it is now.
  keep(data) { return this.info === undefined ? snapshot(data) : data; }

  // ask is call for one who waits: make returns the frame with the data, once it is known what it must look like.
  ask(make, data) {
    return new Promise((resolve, reject) => {
      const kept = this.keep(data);
      this.whenOpen(() => {
        if (this.error !== undefined) return reject(this.error);
        let frame;
        try {
          frame = make(kept);
        } catch (err) {
          return reject(err);
        }
        this.call(frame, (err, reply) => (err ? reject(err) : resolve(reply.data)));
      });
    });
  }

  // tell sends a frame that is not answered.
  tell(frame) {
    if (this.error === undefined) this.link.send(frame);
  }

  receive(frame) {
    if (frame.drover !== 'reply') {
      const take = this.verbs.get(frame.drover);
      if (take !== undefined) take(frame);
      return;
    }
    const done = this.pending.get(frame.id);
    if (done === undefined) {
      if (this.greeted !== undefined) this.greeted(frame);
      return;
    }
    this.pending.delete(frame.id);
    if (this.pending.size === 0) this.release();
    if (frame.error) done(DroverError.from(frame.error));
    else done(null, frame);
  }

  // hold keeps the process alive until as many calls of release.
  hold() {
    if (this.holders++ === 0) this.link.hold();
  }

  release() {
    if (--this.holders === 0) this.link.release();
  }

  close(err) {
    if (this.error !== undefined) return;
    this.error = err;
    const pending = [...this.pending.values()];
    this.pending.clear();
    if (this.holders > 0) this.link.release();
    this.holders = -Infinity; // nothing holds any more
    for (const done of pending) done(err);
    this.sendWaiting();
  }
}

module.exports = { Session };
