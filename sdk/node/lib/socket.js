'use strict';

const net = require('net');
const { DroverError } = require('./error');

const READ = 64 * 1024;
const NEWLINE = 10;

// Socket is the link by the Unix socket of DROVER_IPC_SOCKET, for programs that a program between them and drover,
// such as npm, did not pass the channel on to. The key goes with the first frame.
class Socket {
  constructor(path, key) {
    this.kind = 'socket';
    this.path = path;
    this.key = key;
    this.rest = [];
  }

  start({ frame, closed }) {
    this.frame = frame;
    const buffer = Buffer.allocUnsafe(READ);
    this.socket = net.connect({ path: this.path, onread: { buffer, callback: (n) => this.read(buffer.subarray(0, n)) } });
    let cause;
    this.socket.on('error', (err) => { cause = err; });
    this.socket.on('close', () => closed(new DroverError('closed', cause ? `the channel at ${this.path} is closed: ${cause.message}` : 'drover has closed the channel', { cause })));
    this.socket.unref();
  }

  // read takes lines out of what has arrived; the buffer is used again for the next read.
  read(chunk) {
    let start = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, start)) >= 0; start = end + 1) {
      let line = chunk.subarray(start, end);
      if (this.rest.length > 0) {
        line = Buffer.concat([...this.rest, line]);
        this.rest = [];
      }
      this.take(line);
    }
    if (start < chunk.length) this.rest.push(Buffer.from(chunk.subarray(start)));
    return true;
  }

  take(line) {
    let message;
    try {
      message = JSON.parse(line.toString());
    } catch (err) {
      this.socket.destroy(err); // what follows could be anything
      return;
    }
    if (message !== null && typeof message === 'object' && typeof message.drover === 'string') this.frame(message);
  }

  send(frame) {
    if (this.key !== undefined) {
      frame = { ...frame, key: this.key };
      this.key = undefined;
    }
    if (!this.socket.destroyed) this.socket.write(JSON.stringify(frame) + '\n');
  }

  hold() { this.socket.ref(); }

  release() { this.socket.unref(); }

  flush(done) {
    if (this.socket.destroyed) done();
    else this.socket.write('', () => done());
  }
}

module.exports = { Socket };
