'use strict';

// Context is what a handler is told beside the data.
class Context {
  #cancelled = false;
  #controller;

  constructor(from, type) {
    this.from = from;
    this.type = type;
  }

  // signal is aborted when the one who asked does not wait any more. It is made when it is looked at.
  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#cancelled) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  cancel() {
    this.#cancelled = true;
    if (this.#controller !== undefined) this.#controller.abort();
  }
}

module.exports = { Context };
