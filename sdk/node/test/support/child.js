'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { HELLO } = require('./fake');

const SDK = path.join(__dirname, '..', '..');
const PATIENCE = 20_000;

// Peer is drover's end of a socket: lines in and out.
class Peer {
  constructor(socket) {
    this.socket = socket;
    this.lines = [];
    this.wakers = [];
    let rest = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      this.lines.push(...lines);
      for (const wake of this.wakers.splice(0)) wake();
    });
    socket.on('error', () => {});
  }

  async next() {
    while (this.lines.length === 0) await new Promise((wake) => this.wakers.push(wake));
    return this.lines.shift();
  }

  send(frame) { this.socket.write(`${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n`); }

  // welcome answers hello, which it returns.
  async welcome(hello = {}) {
    const line = await this.next();
    this.send({ drover: 'reply', id: JSON.parse(line).id, data: { ...HELLO, ...hello } });
    return line;
  }
}

// run starts a script as a worker: over the inherited channel, by the socket path, or without drover. The script has
// drover and say, whose arguments come to said; the process is ended with the test.
async function run(t, how, script) {
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (name.startsWith('DROVER_') || name.startsWith('NODE_CHANNEL')) delete env[name];
  if (how !== 'alone') Object.assign(env, { DROVER_WORKER_ID: 'app-1.1', DROVER_POOL: 'app', DROVER_SLOT: '1', DROVER_GENERATION: '1' });
  const connected = how === 'socket' ? await listen(t, env) : undefined;
  if (how === 'channel') Object.assign(env, { DROVER_IPC_FD: '3', NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json', DROVER_IPC_SOCKET: '/nowhere', DROVER_IPC_KEY: 'k' });
  const source = `const say = (...args) => require('fs').writeSync(1, JSON.stringify(args) + '\\n'); const drover = require(${JSON.stringify(SDK)}); (async () => { ${script} })().catch((err) => say('failed', err.code, err.message));`;
  const child = spawn(process.execPath, ['-e', source], { env, stdio: ['ignore', 'pipe', 'inherit', how === 'channel' ? 'pipe' : 'ignore'] });
  const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve(signal || code)));
  const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  t.after(async () => {
    clearTimeout(late);
    child.kill('SIGKILL');
    await exited;
  });
  const out = new Peer(child.stdout);
  const peer = how === 'channel' ? new Peer(child.stdio[3]) : connected && (await connected());
  return { child, peer, exited, said: async () => JSON.parse(await out.next()) };
}

// listen makes a socket path with its key; it resolves to a function that waits for the one connection.
async function listen(t, env) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'drover-sdk-'));
  const server = net.createServer();
  const connection = new Promise((resolve) => server.on('connection', (socket) => resolve(new Peer(socket))));
  await new Promise((resolve) => server.listen(path.join(dir, 's'), resolve));
  t.after(() => {
    server.close();
    connection.then((peer) => peer.socket.destroy());
    fs.rmSync(dir, { recursive: true });
  });
  Object.assign(env, { DROVER_IPC_SOCKET: path.join(dir, 's'), DROVER_IPC_KEY: 'the key', DROVER_IPC_FD: '3' });
  return () => connection;
}

module.exports = { run, SDK };
