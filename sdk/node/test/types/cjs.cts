import drover = require('drover');

drover.onShutdown(async (graceSeconds: number) => { await drover.cache.set('left', graceSeconds); });
drover.ready();
const counter: drover.Counter = drover.metrics.counter('orders_total', 'Orders taken');
counter.inc(3, { kind: 'new' });
const outcome: Promise<drover.Result> = drover.broadcastToWorkers('a.b');
const delivery: Promise<drover.Delivery> = drover.sendToRandomWorker('a.b', 1, { pool: 'jobs' });
export = { outcome, delivery };
