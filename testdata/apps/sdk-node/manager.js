'use strict';

// Starts and operates a drover with ClusterManager, and says what it found as lines of JSON. The arguments are the
// address to listen on and a settings file.
const path = require('path');
const { ClusterManager } = require('../../../sdk/node');

const [listen, settings] = process.argv.slice(2);
const say = (...what) => console.log(JSON.stringify(what));
const command = [process.execPath, path.join(__dirname, 'server.js')];
const ids = (workers) => workers.map(({ id }) => id).sort().join(' ');

async function operate() {
  const manager = new ClusterManager({ command, workers: 2, listen, output: 'ignore' });
  const kinds = new Set();
  manager.on('event', ({ kind }) => kinds.add(kind));
  let replaced = 0;
  manager.on('worker-ready', ({ subject }) => { if (subject.endsWith('.2')) replaced++; });
  let code;
  manager.on('exit', (status) => { code = status; });
  await manager.start();
  await manager.start().catch((err) => say('again', err.code));
  say('started', ids(await manager.getWorkers()), manager.pid > 0);
  say('answer', await (await fetch(`http://${listen}/`, { method: 'POST', body: 'return drover.worker.pool' })).json());
  const { wanted, ready: up } = await manager.scale(3);
  say('scaled', wanted, up, (await manager.getWorkers()).length);
  const { health, ready, pools } = await manager.getHealth();
  say('health', health, ready, pools.map(({ name, ready }) => [name, ready]));
  say('restarted', await manager.restart(), ids(await manager.getWorkers()));
  await manager.restart('nowhere').catch((err) => say('nowhere', err.name, err.code));
  const metrics = await manager.getMetrics();
  say('metrics', metrics.drover_build_info.samples[0].value, metrics.drover_workers.type, metrics.drover_request_duration_seconds.samples.some(({ name }) => name.endsWith('_bucket')));
  say('stopped', await manager.stop());
  say('events', kinds.has('worker-started'), replaced, code);
  await manager.getWorkers().catch((err) => say('after', err.code));
}

async function configured() {
  const byFile = new ClusterManager({ config: settings, output: 'ignore' });
  await byFile.start();
  say('by file', ids(await byFile.getWorkers()));
  say('stopped', await byFile.stop(false));
  const config = { server: { listeners: [{ address: listen, pool: 'app' }] }, pools: { app: { command, workers: 1 }, jobs: { command, workers: 1 } } };
  const byObject = new ClusterManager({ config, output: 'ignore' });
  await byObject.start();
  say('by object', (await byObject.restart()).pools);
  await byObject.scale(2).catch((err) => say('which', err.message));
  say('stopped', await byObject.stop());
}

async function refused() {
  const lines = [];
  const wrong = new ClusterManager({ config: { server: { listeners: [{ address: listen, pool: 'app' }] }, pools: {} }, output: (line) => lines.push(line) });
  await wrong.start().catch((err) => say('wrong', err.code, /status 2/.test(err.message), err.message.includes(lines[0])));
  const none = new ClusterManager({ binary: '/no/such/drover', command, output: 'ignore' });
  await none.start().catch((err) => say('none', err.code));
}

(async () => {
  await operate();
  await configured();
  await refused();
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
