'use strict';

const http = require('http');
const drover = require(process.env.BENCH_SDK);
const { answers } = require('./works');

// connect is the link of a worker of drover, by its SDK.
async function connect() {
  let handled = 0;
  drover.on('double', answers);
  drover.on('news', ({ n }) => { if (Number.isInteger(n)) handled++; });
  await new Promise((listening) => http.createServer((req, res) => res.end('ok\n')).listen(process.env.PORT, '127.0.0.1', listening));
  const far = drover.cache.namespace('far');
  await far.get('x').catch(() => {}); // hello was answered then, with or without a cache
  let near;
  return {
    name: drover.worker.id,
    handled: () => handled,
    request: (to, data) => drover.request(to, 'double', data),
    broadcast: async (data) => {
      const { received, failed } = await drover.broadcast('news', data);
      if (failed.length > 0) throw new Error(JSON.stringify(failed));
      return received;
    },
    get: (key) => far.get(key),
    set: (key, value) => far.set(key, value),
    getNear: (key) => (near ??= drover.cache.namespace('near', { near: true })).get(key),
    setNear: (key, value) => drover.cache.namespace('near').set(key, value),
  };
}

module.exports = { connect };
