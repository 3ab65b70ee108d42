'use strict';

const cluster = require('cluster');
const { isMainThread } = require('worker_threads');
const { Channel } = require('./channel');
const { DroverError } = require('./error');
const { Socket } = require('./socket');
const { Solo } = require('./solo');

// findLink is how this process reaches drover. What it takes it takes out of the environment, as Node.js does with
// NODE_CHANNEL_FD: only one process of a worker may use the channel.
function findLink(worker, proc = process) {
  const { env } = proc;
  const { DROVER_IPC_FD: fd, DROVER_IPC_SOCKET: path, DROVER_IPC_KEY: key } = env;
  if (fd === undefined && path === undefined && env.DROVER_WORKER_ID === undefined) return new Solo(worker);
  if (!isMainThread) return new None('the message channel belongs to the main thread');
  // A child of the cluster module has a channel to its primary, which is not drover.
  const direct = fd !== undefined && proc.connected === true && !cluster.isWorker;
  delete env.DROVER_IPC_FD;
  delete env.DROVER_IPC_SOCKET;
  delete env.DROVER_IPC_KEY;
  if (direct) return new Channel(proc);
  if (path !== undefined) return new Socket(path, key);
  return new None('this process has no message channel: another process of the worker has it');
}

// None is the link of a process that belongs to a worker and cannot reach drover.
class None {
  constructor(why) {
    this.kind = 'none';
    this.why = why;
  }

  start({ closed }) { closed(new DroverError('closed', this.why)); }

  send() {}

  hold() {}

  release() {}

  flush(done) { done(); }
}

module.exports = { findLink, None };
