'use strict';

const { DroverError } = require('./error');

// Inbox takes messages in and acknowledges them: once for all that arrived together.
class Inbox {
  // typed and topical deliver a message; they throw a DroverError where nobody takes it.
  constructor({ session, payload, typed, topical }) {
    this.session = session;
    this.payload = payload;
    this.typed = typed;
    this.topical = topical;
    this.seq = 0; // to be acknowledged; 0: nothing
    this.scheduled = false;
    this.acknowledge = () => {
      this.scheduled = false;
      if (this.seq > 0) this.session.tell({ drover: 'ack', seq: this.seq });
      this.seq = 0;
    };
    session.handle('message', (frame) => this.take(frame));
  }

  take(frame) {
    try {
      const data = this.payload.accept(frame, frame.topic === undefined ? frame.type : frame.topic);
      if (frame.topic === undefined) this.typed(frame, data);
      else this.topical(frame, data);
    } catch (err) {
      return this.refuse(frame, err);
    }
    if (frame.seq === undefined) return;
    this.seq = frame.seq;
    if (this.scheduled) return;
    this.scheduled = true;
    process.nextTick(this.acknowledge);
  }

  // refuse also acknowledges what came before.
  refuse(frame, err) {
    if (!(err instanceof DroverError)) throw err;
    this.seq = 0;
    if (frame.seq !== undefined) this.session.tell({ drover: 'nack', seq: frame.seq, error: { code: err.code, message: err.message } });
  }
}

module.exports = { Inbox };
