// An ES module with a second server for itself. It tells how it sees its own addresses and its client.
import http from 'node:http';
import net from 'node:net';

const side = http.createServer((req, res) => res.end('beside'));
const server = http.createServer(async (req, res) => {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort } = req.socket;
  if (req.url === '/itself') return res.end(await (await fetch(`http://localhost:${process.env.PORT}/beside`)).text());
  if (req.url === '/beside') {
    const { port } = side.address();
    return net.connect(port, '127.0.0.1').on('data', (data) => res.end(`${data}`.split('\r\n\r\n')[1])).end('GET / HTTP/1.0\r\n\r\n');
  }
  res.setHeader('content-type', 'application/json');
  res.end(JSON.stringify({
    app: 'node-esm', port: process.env.PORT, address: server.address(), maxHeaderSize: http.maxHeaderSize,
    remoteAddress, remotePort, remoteFamily, localAddress, localPort,
  }));
});

side.listen(0, '127.0.0.1', () => server.listen({ port: process.env.PORT, host: '0.0.0.0' }));
