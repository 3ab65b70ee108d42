'use strict';

const { spawn } = require('child_process');
const { EventEmitter } = require('events');
const fs = require('fs');
const os = require('os');
const path = require('path');
const readline = require('readline');
const { setTimeout: sleep } = require('timers/promises');
const { Admin } = require('./admin');
const { DroverError } = require('./error');
const { parse } = require('./prometheus');

const POLL_MS = 50;
const PATIENCE_MS = 60_000;
const LAST_LINES = 20;

// ClusterManager starts a drover and operates it over its admin API.
//
// Events: 'ready'; 'event' with each event of drover, which is also emitted under its kind ('worker-ready');
// 'exit' with (code, signal).
class ClusterManager extends EventEmitter {
  #options;
  #child;
  #exit; // resolves to { code, signal }
  #admin;
  #folder;
  #closeEvents;
  #lines = [];
  #kill = () => this.#child.kill('SIGTERM');

  constructor(options = {}) {
    super();
    if (options.config === undefined && options.command === undefined) throw new TypeError('ClusterManager needs a config or a command');
    if (options.config !== undefined && options.command !== undefined) throw new TypeError('config and command do not go together; put the command into config.pools');
    this.#options = { binary: process.env.DROVER_BINARY || 'drover', timeout: PATIENCE_MS, output: 'inherit', ...options };
  }

  // pid is that of drover, while it runs.
  get pid() { return this.#child && this.#child.pid; }

  // start resolves when drover is ready to serve.
  async start() {
    if (this.#child) throw new DroverError('conflict', 'drover was started already');
    try {
      await this.#spawn();
      await this.#whenReady();
    } catch (err) {
      if (this.#child) await this.#end('SIGTERM');
      this.#tidy();
      throw err;
    }
    this.#closeEvents = this.#admin.stream('/api/v1/events?follow=1', (event) => {
      this.emit('event', event);
      if (event.kind !== 'error' || this.listenerCount('error') > 0) this.emit(event.kind, event);
    });
    this.emit('ready');
  }

  // stop drains and ends drover and its workers; without graceful nothing is waited for. It resolves to drover's exit
  // status: 0, or 1 where something was cut off.
  async stop(graceful = true) {
    this.#running();
    await this.#admin.post('/api/v1/stop', { now: !graceful });
    return (await this.#exit).code;
  }

  // restart replaces workers one after another, without failing a request. It resolves to the outcome:
  // { state: 'succeeded' | 'failed', message, pools }.
  async restart(pool) {
    this.#running();
    const pools = [];
    for (const name of pool === undefined ? await this.#pools() : [pool]) {
      const { id } = await this.#admin.post(`/api/v1/pools/${encodeURIComponent(name)}/restart`);
      const operation = await this.#until(() => this.#admin.get(`/api/v1/operations/${encodeURIComponent(id)}`), ({ state }) => state !== 'running', Infinity);
      pools.push({ pool: name, state: operation.state, message: operation.message || '' });
    }
    const failed = pools.find(({ state }) => state === 'failed');
    return { state: failed ? 'failed' : 'succeeded', message: failed ? `${failed.pool}: ${failed.message}` : '', pools };
  }

  // scale sets the number of workers and resolves, once so many are ready and no other is left, to the pool.
  async scale(workers, pool) {
    this.#running();
    const name = pool === undefined ? await this.#onlyPool() : pool;
    const at = `/api/v1/pools/${encodeURIComponent(name)}`;
    await this.#admin.post(`${at}/scale`, { workers });
    return this.#until(() => this.#admin.get(at), (now) => now.ready === now.wanted && now.workers === now.wanted, this.#options.timeout, `${name} has not come to ${workers} workers`);
  }

  // reload has drover read its settings again.
  reload() {
    this.#running();
    return this.#admin.post('/api/v1/reload');
  }

  // getMetrics is drover's /metrics, by name.
  async getMetrics() {
    this.#running();
    return parse(await this.#admin.text('/metrics'));
  }

  async getWorkers() {
    this.#running();
    return (await this.#admin.get('/api/v1/workers')).workers;
  }

  // getHealth is healthy, degraded or unhealthy, with the reasons and the pools in numbers.
  async getHealth() {
    this.#running();
    const { health, ready, draining, reasons = [], pools } = await this.#admin.get('/api/v1/status');
    return { health, ready, draining, reasons, pools };
  }

  #running() {
    if (!this.#admin) throw new DroverError('closed', 'drover does not run');
  }

  async #pools() {
    const { pools } = await this.#admin.get('/api/v1/pools');
    return pools.filter(({ wanted, workers }) => wanted > 0 || workers > 0).map(({ name }) => name);
  }

  async #onlyPool() {
    const { pools } = await this.#admin.get('/api/v1/pools');
    const spawned = pools.length === 1 ? pools : pools.filter(({ wanted, workers }) => wanted > 0 || workers > 0);
    if (spawned.length !== 1) throw new DroverError('bad-frame', `which pool? there are ${pools.map(({ name }) => name).join(', ')}`);
    return spawned[0].name;
  }

  #spawn() {
    const { binary, cwd, env = process.env, output } = this.#options;
    const out = typeof output === 'function' ? 'pipe' : output;
    const child = spawn(binary, ['run', '-c', this.#file()], { cwd, env, stdio: ['ignore', out, out] });
    this.#child = child;
    this.#exit = new Promise((resolve) => child.once('exit', (code, signal) => {
      this.#tidy();
      resolve({ code, signal });
      this.emit('exit', code, signal);
    }));
    if (out === 'pipe') for (const stream of [child.stdout, child.stderr]) readline.createInterface({ input: stream }).on('line', (line) => this.#line(line));
    process.on('exit', this.#kill);
    return new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (err) => {
        this.#child = undefined;
        reject(new DroverError('not-started', `${binary} cannot be started: ${err.message}`, { cause: err }));
      });
    });
  }

  #line(line) {
    this.#lines.push(line);
    if (this.#lines.length > LAST_LINES) this.#lines.shift();
    this.#options.output(line);
  }

  // #file is the settings file; settings that are given as an object are written to one. JSON is YAML, too.
  #file() {
    const { config } = this.#options;
    if (typeof config === 'string') return config;
    this.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'drover-'));
    const file = path.join(this.#folder, 'drover.json');
    const settings = config === undefined ? this.#commanded() : { ...config };
    if (settings.admin === undefined) settings.admin = { address: '', socket: path.join(this.#folder, 'admin.sock') };
    fs.writeFileSync(file, JSON.stringify(settings), { mode: 0o600 });
    return file;
  }

  // #commanded is what drover run -- COMMAND would have as settings.
  #commanded() {
    const { command, workers, listen = ':8080', directory } = this.#options;
    const app = { command };
    if (workers !== undefined) app.workers = workers;
    if (directory !== undefined) app.directory = directory;
    return { server: { listeners: [].concat(listen).map((address) => ({ address, pool: 'app' })) }, pools: { app } };
  }

  async #whenReady() {
    const deadline = Date.now() + this.#options.timeout;
    const ended = this.#exit.then(({ code, signal }) => {
      throw new DroverError('not-started', [`drover ended with ${signal || `status ${code}`} before it was ready`, ...this.#lines].join('\n'));
    });
    ended.catch(() => {}); // it is also what ends a drover that was ready
    for (let reasons = []; ; await Promise.race([sleep(POLL_MS), ended])) {
      if (Date.now() > deadline) throw new DroverError('timeout', [`drover was not ready within ${this.#options.timeout} ms`, ...reasons].join(': '));
      const admin = this.#admin || (await Promise.race([this.#find(), ended]));
      if (!admin) continue;
      this.#admin = admin;
      const answer = await Promise.race([admin.get('/readyz').catch((err) => ({ ready: false, reasons: [err.message] })), ended]);
      if (answer.ready) return;
      reasons = answer.reasons || [];
    }
  }

  // #find looks for the API of our drover: where the options say, else at the sockets that drover chooses by itself,
  // where others may answer, too.
  async #find() {
    const { config, admin, token = process.env.DROVER_ADMIN_TOKEN, env = process.env } = this.#options;
    const places = [];
    if (admin !== undefined) places.push(admin);
    else if (this.#folder !== undefined && config?.admin === undefined) places.push(`unix:${path.join(this.#folder, 'admin.sock')}`);
    else if (typeof config?.admin?.socket === 'string' && config.admin.socket.includes('/')) places.push(`unix:${config.admin.socket.replace(/^unix:/, '')}`);
    else {
      const folders = [path.join(os.tmpdir(), `drover-${process.geteuid()}`), '/run/drover'];
      if (path.isAbsolute(env.XDG_RUNTIME_DIR || '')) folders.unshift(path.join(env.XDG_RUNTIME_DIR, 'drover'));
      for (const folder of folders) for (const name of ['admin.sock', `admin-${this.pid}.sock`]) places.push(`unix:${path.join(folder, name)}`);
    }
    for (const place of places) {
      const found = new Admin(place, token);
      const pid = await found.get('/api/v1/status').then((status) => status.pid, () => undefined);
      if (pid === this.pid) return found;
    }
    return undefined;
  }

  // #until asks until the answer is as wanted.
  async #until(ask, wanted, patience, otherwise) {
    const deadline = Date.now() + patience;
    for (;;) {
      const answer = await ask();
      if (wanted(answer)) return answer;
      if (Date.now() > deadline) throw new DroverError('timeout', `${otherwise} within ${patience} ms`);
      await sleep(POLL_MS);
    }
  }

  async #end(signal) {
    this.#child.kill(signal);
    await this.#exit;
  }

  // #tidy takes away what belongs to a drover that has ended.
  #tidy() {
    process.removeListener('exit', this.#kill);
    if (this.#closeEvents) this.#closeEvents();
    if (this.#folder !== undefined) fs.rmSync(this.#folder, { recursive: true, force: true });
    this.#child = this.#admin = this.#folder = this.#closeEvents = undefined;
  }
}

module.exports = { ClusterManager };
