'use strict';

const { DroverError } = require('./error');
const { Handlers } = require('./handlers');
const { checkName } = require('./names');
const { run } = require('./messages');

// Subscriptions are to topics that workers publish to and to events of the cluster.
class Subscriptions {
  constructor({ session, payload, stay }) {
    this.session = session;
    this.payload = payload;
    this.stay = stay;
    this.topics = new Handlers();
    this.kinds = new Handlers();
    session.handle('event', (frame) => this.event(frame));
  }

  publish(topic, data) {
    return this.session.ask((kept) => {
      checkName(topic);
      return this.payload.put({ drover: 'publish', id: 0, topic }, topic, kept, '*');
    }, data);
  }

  subscribe(pattern, fn) { return this.add('topics', pattern, fn); }

  events(pattern, fn) { return this.add('events', pattern, fn); }

  // add resolves, once drover knows of it, to a function that ends the subscription.
  async add(what, pattern, fn) {
    const handlers = what === 'topics' ? this.topics : this.kinds;
    const first = handlers.add(pattern, fn) === 1;
    this.stay.add();
    const end = async () => {
      const left = handlers.remove(pattern, fn);
      if (left < 0) return;
      this.stay.remove();
      if (left === 0) await this.session.ask(() => ({ drover: 'unsubscribe', id: 0, [what]: [pattern] }));
    };
    try {
      if (first) await this.session.ask(() => ({ drover: 'subscribe', id: 0, [what]: [pattern] }));
    } catch (err) {
      if (handlers.remove(pattern, fn) >= 0) this.stay.remove();
      throw err;
    }
    return end;
  }

  // deliver gives a message to those who subscribed to its topic.
  deliver(frame, data) {
    const handlers = this.topics.all(frame.topic);
    if (handlers.length === 0) throw new DroverError('no-handler', `nobody here subscribes to ${frame.topic} any more`);
    for (const handler of handlers) run(handler, data, { topic: frame.topic, from: frame.from });
  }

  event(frame) {
    const { drover, ...event } = frame;
    for (const handler of this.kinds.all(frame.kind)) run(handler, event);
  }
}

module.exports = { Subscriptions };
