// Each way to name an address to listen(), and what came of it, one line each.
const http = require('http');
const tls = require('tls');
const port = process.env.DROVER_PORT;

const listen = (server, ...args) => new Promise((done) => {
  server.on('error', (err) => { console.log(`${JSON.stringify(args)} ${err.code}`); done(server); });
  server.listen(...args, () => {
    const address = server.address();
    const told = typeof address === 'string' ? 'path' : `${address.address} ${String(address.port) === port ? 'PORT' : 'other'}`;
    console.log(`${JSON.stringify(args).replaceAll(port, 'PORT')} ${server._handle.constructor.name} ${told}`);
    done(server);
  });
});
const once = async (...args) => {
  const server = await listen(http.createServer(), ...args);
  await new Promise((done) => server.close(done));
  if (server.address() && typeof server.address() !== 'string') console.log('has an address after its end');
};

(async () => {
  await once(+port);
  await once(port);
  await once(+port, '127.0.0.1');
  await once(port, 'localhost', 5);
  await once(+port, 5);
  await once(port, undefined, 5);
  await once({ port });
  await once({ port: +port, host: '::1', backlog: 5 });
  await once(0);
  await once({ port: 0, host: '127.0.0.1' });
  await once({ path: `${process.env.DROVER_SOCKET}.other` });
  await listen(tls.createServer(), port);
  await listen(http.createServer(), port); // as a second server at the port
  const other = await listen(http.createServer(), port, '127.0.0.1'); // no conflict
  await new Promise((done) => other.close(done));
  await listen(other, 0); // somewhere else now
  process.exit(); // leaves the file of the socket behind
})();
