'use strict';

const { createClient } = require('redis');

// connect is the link of a worker that uses Redis. Near copies are the client's own, kept right by the server
// (client-side caching), over a second connection.
async function connect() {
  const socket = { path: process.env.BENCH_REDIS, tls: false };
  const far = await createClient({ socket }).connect();
  let near;
  return {
    own: true, // nobody else ends this process
    name: String(process.pid),
    get: (key) => far.get(key),
    getNear: async (key) => {
      near ??= createClient({ socket, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } }).connect();
      return (await near).get(key);
    },
    set: (key, value) => far.set(key, value),
    setNear: (key, value) => far.set(key, value),
  };
}

module.exports = { connect };
