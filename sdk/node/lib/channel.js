'use strict';

const { DroverError } = require('./error');

// Channel is the link that Node.js and Bun open by themselves: process.send and process.on('message').
//
// A link has start({ frame, closed }), send(frame), hold() and release() (whether it keeps the process alive),
// flush(done), and kind.
class Channel {
  constructor(proc = process) {
    this.kind = 'channel';
    this.process = proc;
    this.held = false;
    this.unsent = 0;
    this.flushed = [];
    this.sent = () => {
      if (--this.unsent > 0) return;
      const flushed = this.flushed;
      this.flushed = [];
      for (const done of flushed) done();
    };
  }

  start({ frame, closed }) {
    const proc = this.process;
    proc.on('message', (message) => {
      if (message !== null && typeof message === 'object' && typeof message.drover === 'string') frame(message);
      // Bun does not say when a listener was removed; those that wait for one message do it now.
      else if (!this.counted) setImmediate(() => { if (!this.held) this.unref(); });
    });
    // What Node.js and Bun take for traffic of their own. Drover's preload, where it is in, sees to it.
    proc.on('internalMessage', (message) => {
      if (message.drover === 'gc' && !globalThis[Symbol.for('drover.runtime')]) frame(message);
    });
    proc.on('disconnect', () => closed(new DroverError('closed', 'drover has closed the channel')));
    // Node.js counts the listeners of these two events to decide whether the channel keeps the process alive.
    // Ours do not count; those of the application do.
    this.counted = typeof proc.channel.unrefCounted === 'function';
    if (this.counted) {
      proc.channel.unrefCounted();
      proc.channel.unrefCounted();
    } else {
      this.unref();
      proc.on('newListener', (name) => { if (name === 'message') proc.channel?.ref(); });
    }
  }

  // A frame that cannot be written any more is answered by closed.
  send(frame) {
    if (!this.process.connected) return;
    this.unsent++;
    this.process.send(frame, undefined, undefined, this.sent);
  }

  hold() {
    if (this.held || !this.process.channel) return;
    this.held = true;
    if (this.counted) this.process.channel.refCounted();
    else this.process.channel.ref();
  }

  release() {
    if (!this.held) return;
    this.held = false;
    if (!this.process.channel) return;
    if (this.counted) this.process.channel.unrefCounted();
    else this.unref();
  }

  // Where listeners are not counted the application's own keep the process alive.
  unref() {
    if (this.process.listenerCount('message') === 1) this.process.channel?.unref();
  }

  flush(done) {
    if (this.unsent === 0 || !this.process.connected) done();
    else this.flushed.push(done);
  }
}

module.exports = { Channel };
