// A server that listens on the worker's port listens on the worker's Unix socket instead, which costs less
// per request.
'use strict';

(() => {
  // Not PORT and SOCKET: a program may give its children others.
  const port = process.env.DROVER_PORT;
  const socket = process.env.DROVER_SOCKET;
  if (!port || !socket) return;

  // Each function now: what security.modules denies is of no use in Bun later.
  const { accessSync, constants, existsSync, readFileSync, unlinkSync } = require('fs');
  const net = require('net');
  const { basename, dirname, resolve } = require('path');
  const { isIP } = net;
  const bun = typeof Bun !== 'undefined';

  const places = new WeakMap(); // of the servers that were moved: where they would have listened
  let holder; // the server that has the socket in this process
  let connections = 0;

  const isPort = (value) => (typeof value === 'number' || typeof value === 'string') && String(value) === port;
  const isLoopback = (host) => !host || ['localhost', '127.0.0.1', '::1', '0.0.0.0', '::'].includes(host);

  // place is what a server at this host and the port would call its address.
  function place(host) {
    let address = host || '::';
    if (!isIP(address)) address = '127.0.0.1';
    return { address, family: isIP(address) === 6 ? 'IPv6' : 'IPv4', port: Number(port) };
  }

  // abandoned says whether the socket's file is there and nobody has it open: the process that made it was killed.
  function abandoned() {
    if (!existsSync(socket)) return false;
    const name = Buffer.from(socket).toString('latin1');
    const base = basename(name);
    // The cluster module may bind to a relative path.
    const same = (other) => other === name || (other[0] !== '/' && other[0] !== '@' && basename(other) === base);
    const lines = readFileSync('/proc/net/unix', 'latin1').split('\n').slice(1);
    return !lines.some((line) => same(line.split(/ +/).slice(7).join(' ')));
  }

  // clear removes the file of an abandoned socket, which nobody else could listen on.
  function clear() {
    if (require('cluster').isWorker) return; // its primary listens
    try {
      if (abandoned()) unlinkSync(socket);
    } catch (err) {
      // Not known, so it counts as in use.
    }
  }

  // available says whether a server can take the socket. If not, it gets the port, where drover finds it too.
  function available(server, host) {
    // The same port at another host is no conflict.
    if (holder && holder !== server && holder.listening && places.get(holder).address !== place(host).address) return false;
    try {
      accessSync(dirname(socket), constants.W_OK | constants.X_OK);
    } catch (err) {
      return false; // the program has become another user
    }
    clear();
    return true;
  }

  // request reads the arguments of listen: (port, host, backlog, callback), where all but the port may be
  // missing, or (options, callback). It returns nothing when they do not name the port.
  function request(args) {
    const first = args[0];
    if (isPort(first)) {
      return { host: typeof args[1] === 'string' ? args[1] : undefined, backlog: args.slice(1, 3).find((arg) => typeof arg === 'number') };
    }
    if (first === null || typeof first !== 'object' || !isPort(first.port)) return undefined;
    if (first._handle || first.handle || typeof first.fd === 'number' || first.reusePort) return undefined;
    return Object.assign({}, first);
  }

  // On a Unix socket these are undefined. Programs tell clients apart by them, and trust a proxy on loopback.
  function disguise(connection) {
    const local = { value: '127.0.0.1', configurable: true, enumerable: true };
    Object.defineProperties(connection, {
      remoteAddress: local,
      remoteFamily: { value: 'IPv4', configurable: true, enumerable: true },
      remotePort: { value: 32768 + (connections++ % 28000), configurable: true, enumerable: true }, // some use it as a key
      localAddress: local,
      localPort: { value: Number(port), configurable: true, enumerable: true },
    });
  }

  function onConnection(connection) {
    if (places.has(this)) disguise(connection);
  }

  function replace(object, name, make) {
    if (object && Object.prototype.hasOwnProperty.call(object, name)) object[name] = make(object[name]);
  }

  const moveListen = (listen) => function (...args) {
    const name = args[0] && typeof args[0] === 'object' ? args[0].path : args[0];
    if (typeof name === 'string' && resolve(name) === socket) clear();
    const wanted = request(args);
    if (!wanted || !available(this, wanted.host)) {
      if (!this.listening) places.delete(this);
      return listen.apply(this, args);
    }
    const options = Object.assign(wanted, { path: socket });
    if (!places.has(this)) {
      this.prependListener('connection', onConnection);
      this.prependListener('secureConnection', onConnection);
    }
    places.set(this, place(wanted.host));
    if (!holder || !holder.listening) holder = this;
    delete options.port;
    delete options.host;
    if (!options.backlog) options.backlog = 4096; // a full queue refuses at once, where TCP has the client wait
    const callback = args[args.length - 1];
    return listen.apply(this, typeof callback === 'function' ? [options, callback] : [options]);
  };

  const tellPlace = (address) => function () {
    const actual = address.apply(this, arguments);
    if (!places.has(this) || !actual) return actual;
    return this.listening ? Object.assign({}, places.get(this)) : null;
  };

  // A program that calls itself at its port finds itself. (A TLS socket has made its handle, for TCP, by now.)
  const moveConnect = (connect) => function (...args) {
    const normalized = Array.isArray(args[0]); // by net.connect: options and callback
    const list = normalized ? args[0] : args;
    const first = list[0];
    const byOptions = first !== null && typeof first === 'object';
    const options = byOptions ? first : { port: first, host: typeof list[1] === 'string' ? list[1] : undefined };
    if (!this._handle && isPort(options.port) && !options.path && isLoopback(options.host) && existsSync(socket)) {
      const moved = Object.assign({}, options, { path: socket });
      delete moved.port;
      delete moved.host;
      if (!byOptions && typeof list[1] === 'string') list.splice(1, 1);
      list[0] = moved;
    }
    return connect.apply(this, args);
  };

  replace(net.Server.prototype, 'listen', moveListen);
  replace(net.Server.prototype, 'address', tellPlace);
  if (!bun) {
    replace(net.Socket.prototype, 'connect', moveConnect);
    return;
  }

  const http = require('http'); // in Bun it has a listen of its own
  replace(http.Server.prototype, 'listen', moveListen);
  replace(http.Server.prototype, 'address', tellPlace);

  replace(Bun, 'serve', (serve) => function (options) {
    const env = process.env;
    const given = options && options.port !== undefined ? options.port : env.BUN_PORT || env.PORT || env.NODE_PORT;
    if (!options || !isPort(given) || options.unix || options.fd || options.reusePort || !available(options, options.hostname)) {
      return serve.apply(this, arguments);
    }
    // Not a copy: the options may be an object of a class, with its handler as a method.
    const moved = Object.create(options, { unix: { value: socket, enumerable: true }, port: { value: undefined }, hostname: { value: undefined } });
    const server = serve.call(this, moved);
    const hostname = options.hostname || 'localhost';
    const show = (name, value) => Object.defineProperty(server, name, { value, configurable: true, enumerable: true });
    show('port', Number(port));
    show('hostname', hostname);
    show('address', place(options.hostname));
    show('url', new URL(`${options.tls ? 'https' : 'http'}://${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}/`));
    show('requestIP', () => ({ address: '127.0.0.1', family: 'IPv4', port: Number(port) }));
    return server;
  });
})();
