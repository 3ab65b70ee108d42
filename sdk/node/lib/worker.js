'use strict';

// workerOf is who this process is, from its environment; outside drover it is the only worker of the pool app.
function workerOf(env = process.env) {
  const pool = env.DROVER_POOL || 'app';
  const slot = Number(env.DROVER_SLOT) || 1;
  const generation = Number(env.DROVER_GENERATION) || 1;
  return { id: env.DROVER_WORKER_ID || `${pool}-${slot}.${generation}`, pool, slot, generation };
}

module.exports = { workerOf };
