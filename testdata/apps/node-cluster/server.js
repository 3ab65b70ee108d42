// The cluster module: two processes serve one port.
const cluster = require('cluster');
const http = require('http');

if (cluster.isPrimary) {
  cluster.fork();
  cluster.fork();
} else {
  const server = http.createServer((req, res) => res.end(`cluster, asked by ${req.socket.remoteAddress} at ${server.address().port}`));
  server.listen(process.env.PORT);
}
