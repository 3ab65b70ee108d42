// Express with a WebSocket beside it on the same port.
const http = require('http');
const express = require('express');
const { WebSocketServer } = require('ws');

const app = express();
app.set('trust proxy', 'loopback');
app.use(express.json());
app.get('/', (req, res) => res.json({ app: 'express-ws', pid: process.pid, ip: req.ip }));
app.post('/items', (req, res) => res.status(201).json({ pid: process.pid, item: req.body }));
app.get('/events', (req, res) => {
  res.set({ 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  res.flushHeaders();
  let n = 0;
  const timer = setInterval(() => res.write(`data: tick ${n++}\n\n`), 50);
  res.on('close', () => clearInterval(timer));
});

const server = http.createServer(app);
const sockets = new WebSocketServer({ server, path: '/ws' });
sockets.on('connection', (socket) => {
  socket.send(JSON.stringify({ hello: process.pid }));
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

server.listen(Number(process.env.PORT || 3000));
