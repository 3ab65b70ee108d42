// Reads streams of requests with the strict parser of Node.js, llhttp, and says
// what it saw. Standard input has frames: four bytes of length, big-endian, then
// that many bytes of a stream. For each there is a line of JSON on standard output:
// {"requests": [request], "partial": request, "open": bool, "error": code}, where a
// request is {"method", "target", "old", "body", "fields", "trailer"}, the last two
// being names and values in turn. Texts are in base64. "open" means that the stream
// ends inside of a request; its head is complete when it is in "partial".
'use strict';

const { readSync, writeSync } = require('fs');
const { HTTPParser: P, methods } = require('_http_common');

const base64 = (s) => Buffer.from(s, 'latin1').toString('base64');

function judge(bytes) {
  const seen = { requests: [], partial: null, open: false, error: '' };
  let [url, headers, body, now, inside] = ['', [], [], null, false];
  const finish = () => {
    now.body = Buffer.concat(body).toString('base64');
    return now;
  };
  const callbacks = {
    [P.kOnMessageBegin | 0]: () => {
      [url, headers, body, now, inside] = ['', [], [], null, true];
    },
    // Called for parts of a long header section, and for a trailer section.
    [P.kOnHeaders | 0]: (h, u) => {
      (now ? now.trailer : headers).push(...h.map(base64));
      url += u;
    },
    [P.kOnHeadersComplete | 0]: (major, minor, h, method, u) => {
      if (h !== undefined) headers = h.map(base64);
      now = {
        method: base64(methods[method]), target: base64(u === undefined ? url : u), old: minor === 0, fields: headers, trailer: [],
      };
      return 0;
    },
    [P.kOnBody | 0]: (b) => { body.push(Buffer.from(b)); },
    [P.kOnMessageComplete | 0]: () => {
      seen.requests.push(finish());
      [now, inside] = [null, false];
    },
  };
  while (bytes.length > 0) {
    const parser = new P();
    parser.initialize(P.REQUEST, {}, 1 << 20, 0);
    Object.assign(parser, callbacks);
    const taken = parser.execute(bytes);
    if (taken instanceof Error) {
      seen.error = taken.code || String(taken);
    }
    if (taken instanceof Error || taken === bytes.length) {
      seen.open = inside && !seen.error;
      if (now) seen.partial = finish();
      break;
    }
    bytes = bytes.subarray(taken); // it stops after a request to upgrade
  }
  return JSON.stringify(seen);
}

// Written and read without an event loop: one stream is nothing but a question
// and its answer.
const room = Buffer.alloc(1 << 16);
let held = Buffer.alloc(0);
for (let n; (n = readSync(0, room)) > 0;) {
  held = Buffer.concat([held, room.subarray(0, n)]);
  let answers = '';
  while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
    const end = 4 + held.readUInt32BE(0);
    answers += judge(held.subarray(4, end)) + '\n';
    held = held.subarray(end);
  }
  for (let b = Buffer.from(answers); b.length > 0;) b = b.subarray(writeSync(1, b));
}
