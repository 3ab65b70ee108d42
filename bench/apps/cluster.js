'use strict';

// The primary of Node's own cluster, as an application writes it that passes messages between its workers: it sends
// each on to the worker it is for, and collects the acknowledgements of those for all.

const cluster = require('cluster');
const path = require('path');

const open = new Map(); // broadcasts that not all have acknowledged
let last = 0;

cluster.setupPrimary({ exec: path.join(__dirname, 'worker.js'), args: ['node-cluster'] });

cluster.on('message', (worker, message) => {
  switch (message.kind) {
    case 'request':
    case 'answer':
      cluster.workers[message.to].send({ ...message, from: worker.id });
      break;
    case 'broadcast': {
      const all = Object.values(cluster.workers).filter((other) => other !== worker);
      open.set(++last, { worker, id: message.id, received: 0, waiting: all.length });
      for (const other of all) other.send({ kind: 'news', id: last, from: worker.id, data: message.data });
      break;
    }
    case 'ack': {
      const one = open.get(message.id);
      one.received++;
      if (--one.waiting > 0) break;
      open.delete(message.id);
      one.worker.send({ kind: 'result', id: one.id, data: one.received });
      break;
    }
  }
});

cluster.on('exit', (worker) => {
  console.error(`worker ${worker.id} ended`);
  process.exit(1);
});

for (let i = 0; i < Number(process.env.BENCH_WORKERS); i++) cluster.fork();
process.on('SIGTERM', () => process.exit());
