// Reads streams of requests with the strict parser of Node.js, llhttp, and says
// what it saw. Standard input has frames: four bytes of length, big-endian, then
// that many bytes of a stream. For each there is a line of JSON on standard output:
// {"requests": [{"method", "target", "hosts", "body"}], "open": bool, "error": code},
// texts in base64. "open" means that the stream ends inside of a request.
'use strict';

const { HTTPParser: P, methods } = require('_http_common');

const base64 = (s) => Buffer.from(s || '', 'latin1').toString('base64');

function judge(bytes) {
  const seen = { requests: [], open: false, error: '' };
  while (bytes.length > 0) {
    const parser = new P();
    parser.initialize(P.REQUEST, {}, 1 << 20, 0);
    let url = '';
    let headers = [];
    let body = [];
    let now = null;
    let inside = false;
    parser[P.kOnMessageBegin | 0] = () => { inside = true; };
    parser[P.kOnHeaders | 0] = (h, u) => {
      headers = headers.concat(h);
      url += u;
    };
    parser[P.kOnHeadersComplete | 0] = (major, minor, h, method, u) => {
      const all = h === undefined ? headers : h;
      const hosts = [];
      for (let i = 0; i < all.length; i += 2) {
        if (all[i].toLowerCase() === 'host') hosts.push(base64(all[i + 1]));
      }
      now = { method: base64(methods[method]), target: base64(u === undefined ? url : u), hosts, body: '' };
      return 0;
    };
    parser[P.kOnBody | 0] = (b) => { body.push(Buffer.from(b)); };
    parser[P.kOnMessageComplete | 0] = () => {
      now.body = Buffer.concat(body).toString('base64');
      seen.requests.push(now);
      [url, headers, body, now, inside] = ['', [], [], null, false];
    };
    const taken = parser.execute(bytes);
    if (taken instanceof Error) {
      seen.error = taken.code || String(taken);
      return seen;
    }
    if (taken === bytes.length) {
      seen.open = inside;
      return seen;
    }
    bytes = bytes.subarray(taken); // it stops after a request to upgrade
  }
  return seen;
}

let held = Buffer.alloc(0);
process.stdin.on('data', (b) => {
  held = Buffer.concat([held, b]);
  while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
    const end = 4 + held.readUInt32BE(0);
    process.stdout.write(JSON.stringify(judge(held.subarray(4, end))) + '\n');
    held = held.subarray(end);
  }
});
