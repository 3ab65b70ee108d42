'use strict';

// Stay keeps the process alive while the application listens to others, as process.on('message') does, until it is
// told to shut down.
class Stay {
  constructor(session) {
    this.session = session;
    this.listeners = 0;
    this.over = false;
  }

  add() {
    if (this.listeners++ === 0 && !this.over) this.session.hold();
  }

  remove() {
    if (--this.listeners === 0 && !this.over) this.session.release();
  }

  end() {
    if (!this.over && this.listeners > 0) this.session.release();
    this.over = true;
  }
}

module.exports = { Stay };
