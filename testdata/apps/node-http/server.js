// A plain Node.js server, as it would be written without any proxy in mind.
const http = require('http');

const server = http.createServer((req, res) => {
  const url = new URL(req.url, 'http://localhost');
  if (url.pathname === '/events') {
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    let n = 0;
    const timer = setInterval(() => res.write(`id: ${n}\ndata: tick ${n++}\n\n`), 50);
    res.on('close', () => clearInterval(timer));
    return;
  }
  if (url.pathname === '/echo') {
    res.writeHead(200, { 'content-type': 'application/octet-stream' });
    req.pipe(res);
    return;
  }
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ app: 'node-http', pid: process.pid, method: req.method, url: req.url, headers: req.headers }));
});

server.listen(process.env.PORT || 3000, () => console.log('listening'));

process.on('SIGTERM', () => server.close(() => process.exit(0)));
