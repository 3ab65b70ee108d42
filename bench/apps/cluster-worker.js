'use strict';

const cluster = require('cluster');
const { answers } = require('./works');

// connect is the link of a worker of Node's own cluster, over its primary.
async function connect() {
  const open = new Map();
  let last = 0;
  let handled = 0;
  process.on('message', (message) => {
    switch (message.kind) {
      case 'request':
        process.send({ kind: 'answer', id: message.id, to: message.from, data: answers(message.data) });
        break;
      case 'answer':
      case 'result': {
        const done = open.get(message.id);
        open.delete(message.id);
        done(message.data);
        break;
      }
      case 'news':
        if (Number.isInteger(message.data.n)) handled++;
        process.send({ kind: 'ack', id: message.id });
        break;
    }
  });
  const ask = (message) => new Promise((resolve) => {
    message.id = ++last;
    open.set(message.id, resolve);
    process.send(message);
  });
  return {
    name: String(cluster.worker.id),
    handled: () => handled,
    request: (to, data) => ask({ kind: 'request', to, data }),
    broadcast: (data) => ask({ kind: 'broadcast', data }),
  };
}

module.exports = { connect };
