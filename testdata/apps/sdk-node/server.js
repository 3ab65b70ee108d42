'use strict';

// A worker with the SDK that does what the test asks: the body of a POST is JavaScript, and the answer is what it
// returns, or the error that it ends with.
const fs = require('fs');
const http = require('http');
const drover = require('../../../sdk/node');

const AsyncFunction = (async () => {}).constructor;
const seen = []; // by the handlers
const state = { sick: false, computed: 0 };

drover.on('note.*', (data, { type, from }) => { seen.push({ type, data, from }); });
drover.on('echo', (data, { from }) => ({ data, from, by: drover.worker.id }));
drover.on('fail', () => { throw new drover.DroverError('sold-out', 'come back later'); });
drover.on('hang', (data, { signal }) => new Promise(() => signal.addEventListener('abort', () => seen.push('aborted'))));
drover.on('record', (line) => fs.appendFileSync(process.env.RECORD, `${line}\n`)); // also if it is killed right after
drover.on('die', () => process.kill(process.pid, 'SIGKILL'));
drover.health('mood', () => ({ ok: !state.sick, message: state.sick ? 'sick' : 'fine' }));
drover.onShutdown((grace) => console.log(`${drover.worker.id} closes, grace ${grace}`));

const server = http.createServer(async (req, res) => {
  let code = '';
  for await (const part of req) code += part;
  let answer;
  try {
    answer = await new AsyncFunction('drover', 'seen', 'state', code)(drover, seen, state);
  } catch (err) {
    answer = { code: err.code, message: err.message };
  }
  res.end(JSON.stringify(answer === undefined ? null : answer));
});
server.listen(process.env.PORT, process.env.HOST, () => drover.ready());
