// security.modules: a module that the settings do not let the pool load throws an error that names the setting.
// This is a guard against accidents and against what a package brings along, not a wall around hostile code.
'use strict';

(() => {
  if (!process.env.DROVER_MODULES) return;
  const Module = require('module');
  const { fileURLToPath, pathToFileURL } = require('url');
  const { Rules } = require('./rules.cjs');
  const settings = JSON.parse(process.env.DROVER_MODULES);
  const rules = new Rules(settings);

  const passed = new Set(); // requests by the file that they come from

  function checkRequire(request, parent, resolve) {
    const from = parent && parent.filename;
    const key = `${from}\0${request}`;
    if (passed.has(key)) return;
    if (!rules.request(request, from)) {
      let file;
      try {
        file = resolve();
      } catch (err) {
        return; // the loading itself says so
      }
      rules.file(file, request, from);
    }
    passed.add(key);
  }

  function wrap(object, name, make) {
    if (typeof object[name] === 'function') object[name] = make(object[name]);
  }

  // Bindings are what built-in modules are made of.
  const bindings = {
    spawn_sync: 'child_process', process_wrap: 'child_process', tcp_wrap: 'net', pipe_wrap: 'net', udp_wrap: 'dgram', cares_wrap: 'dns',
    http_parser: 'http', contextify: 'vm', tty_wrap: 'tty', inspector: 'inspector', worker: 'worker_threads',
  };
  wrap(process, 'binding', (binding) => function (name) {
    rules.request(`node:${Object.hasOwn(bindings, name) ? bindings[name] : name}`);
    return binding.apply(this, arguments);
  });
  wrap(process, 'getBuiltinModule', (get) => function (name) {
    rules.request(String(name));
    return get.apply(this, arguments);
  });

  if (typeof Bun !== 'undefined') {
    require('./modules-bun.cjs')(rules, settings, checkRequire);
    return;
  }

  wrap(Module, '_load', (load) => function (request, parent, isMain) {
    if (typeof request === 'string' && !isMain) checkRequire(request, parent, () => Module._resolveFilename(request, parent, false));
    return load.apply(this, arguments);
  });

  if (Module.registerHooks) {
    Module.registerHooks({
      resolve(request, context, next) {
        const from = context.parentURL && context.parentURL.startsWith('file:') ? fileURLToPath(context.parentURL) : context.parentURL;
        if (!from) return next(request, context); // the program itself
        if (rules.request(request, from)) return next(request, context);
        const found = next(request, context);
        if (found.url.startsWith('file:')) rules.file(fileURLToPath(found.url), request, from);
        else rules.request(found.url, from);
        return found;
      },
    });
  } else if (Module.register) {
    Module.register(pathToFileURL(`${__dirname}/hooks.mjs`), { data: settings });
  } else {
    process.stderr.write(`drover: Node.js ${process.version} cannot be kept from importing what security.modules of pool ${settings.pool} forbids, only from requiring it; 18.19 and later can\n`);
  }
})();
