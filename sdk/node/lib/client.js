'use strict';

const { Cache, DEFAULT_NAMESPACE } = require('./cache');
const { DroverError } = require('./error');
const { collectGarbage } = require('./garbage');
const { Health } = require('./health');
const { Inbox } = require('./inbox');
const { ClusterManager } = require('./manager');
const { Messages } = require('./messages');
const { Metrics } = require('./metrics');
const { Payload } = require('./payload');
const { Session } = require('./session');
const { Shutdown } = require('./shutdown');
const { Stay } = require('./stay');
const { Subscriptions } = require('./subscriptions');

// connect builds what an application uses on top of a link, and says hello.
function connect(link, worker, proc = process) {
  const session = new Session(link);
  const stay = new Stay(session);
  const payload = new Payload(session, worker);
  const messages = new Messages({ session, payload, stay, worker });
  const subscriptions = new Subscriptions({ session, payload, stay });
  new Inbox({ session, payload, typed: (...m) => messages.deliver(...m), topical: (...m) => subscriptions.deliver(...m) });
  const cache = new Cache(session);
  const metrics = new Metrics(session);
  const health = new Health(session);
  session.handle('gc', () => collectGarbage());
  const shutdown = new Shutdown({
    session,
    proc,
    before: () => stay.end(),
    after: (done) => {
      metrics.push();
      link.flush(done);
    },
  });
  proc.on('exit', () => metrics.push());
  session.start((info) => {
    Object.assign(worker, { id: info.worker, pool: info.pool, slot: info.slot, generation: info.generation });
    payload.open(info);
    cache.open(info);
  });

  const main = cache.namespace(DEFAULT_NAMESPACE);
  const of = (object, name) => (...args) => object[name](...args);
  const shared = { namespace: of(cache, 'namespace'), stats: of(cache, 'stats') };
  for (const name of ['get', 'getMany', 'set', 'add', 'delete', 'increment', 'invalidateTag', 'invalidatePrefix', 'getOrSet']) shared[name] = of(main, name);
  const broadcast = of(messages, 'broadcast');
  const sendToRandom = of(messages, 'sendToRandom');
  return {
    worker,
    ready: () => session.tell({ drover: 'ready' }),
    onShutdown: of(shutdown, 'add'),
    broadcast,
    broadcastToWorkers: broadcast,
    sendTo: of(messages, 'sendTo'),
    sendToRandom,
    sendToRandomWorker: sendToRandom,
    request: of(messages, 'request'),
    on: of(messages, 'on'),
    off: of(messages, 'off'),
    publish: of(subscriptions, 'publish'),
    subscribe: of(subscriptions, 'subscribe'),
    events: of(subscriptions, 'events'),
    cache: shared,
    metrics: { counter: of(metrics, 'counter'), gauge: of(metrics, 'gauge'), histogram: of(metrics, 'histogram') },
    health: of(health, 'add'),
    ClusterManager,
    DroverError,
  };
}

module.exports = { connect };
