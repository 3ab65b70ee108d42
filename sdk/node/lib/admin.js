'use strict';

const http = require('http');
const https = require('https');
const { DroverError } = require('./error');

const TIMEOUT_MS = 30_000;

// Admin speaks to the admin API of a drover: at a Unix socket, unix:/path, or at http://host:port.
class Admin {
  constructor(address, token) {
    this.address = address;
    this.token = token;
  }

  get(path) { return this.#json('GET', path); }

  post(path, body = {}) { return this.#json('POST', path, body); }

  // text is what an endpoint answers that does not speak JSON.
  async text(path) { return (await this.#ask('GET', path)).text; }

  // stream opens an endpoint of server-sent events; onEvent gets their data. It returns a function that closes it.
  stream(path, onEvent) {
    const request = this.#request('GET', path, { Accept: 'text/event-stream' });
    request.on('error', () => {}); // the end of drover is told by its process
    request.on('response', (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('error', () => {});
      response.on('data', (text) => {
        const events = (rest + text).split('\n\n');
        rest = events.pop();
        for (const event of events) {
          const lines = event.split('\n').filter((line) => line.startsWith('data:'));
          if (lines.length > 0) onEvent(JSON.parse(lines.map((line) => line.slice(5)).join('\n')));
        }
      });
    });
    request.end();
    return () => request.destroy();
  }

  async #json(method, path, body) {
    const { status, text } = await this.#ask(method, path, body);
    let answer;
    try {
      answer = JSON.parse(text);
    } catch (err) {
      throw new DroverError('bad-answer', `${method} ${path}: ${status}: ${text.slice(0, 200)}`, { cause: err });
    }
    if (status < 400) return answer;
    if (answer.error) throw new DroverError(answer.error.code, answer.error.message);
    return answer; // /readyz says why with a 503
  }

  #ask(method, path, body) {
    return new Promise((resolve, reject) => {
      const fail = (err) => reject(new DroverError('unreachable', `${method} ${path} at ${this.address}: ${err.message}`, { cause: err }));
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const headers = payload === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) };
      const request = this.#request(method, path, headers);
      request.setTimeout(TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.on('error', fail);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => { text += part; });
        response.on('end', () => resolve({ status: response.statusCode, text }));
        response.on('error', fail);
      });
      request.end(payload);
    });
  }

  #request(method, path, headers) {
    if (this.token) headers.Authorization = `Bearer ${this.token}`;
    if (this.address.startsWith('unix:')) return http.request({ socketPath: this.address.slice('unix:'.length), path, method, headers: { Host: 'localhost', ...headers }, agent: false });
    const url = new URL(path, this.address);
    return (url.protocol === 'https:' ? https : http).request(url, { method, headers, agent: false });
  }
}

module.exports = { Admin };
