'use strict';

// DroverError is every error of this package. Its code is one of docs/ipc-protocol.md, or the one that the
// handler of another worker gave.
class DroverError extends Error {
  constructor(code, message, options) {
    super(message || code, options);
    this.name = 'DroverError';
    this.code = code;
  }

  // from makes one of what a frame says.
  static from(error) {
    return new DroverError(String(error.code), String(error.message || error.code));
  }
}

module.exports = { DroverError };
