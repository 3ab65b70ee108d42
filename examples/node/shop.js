'use strict';
// A shop of the order service: it takes orders over HTTP. There are several of it.
const express = require('express');
const drover = require('drover');
const { journal } = require('./journal');

const warehouse = { pool: 'warehouse' }; // any worker of that pool
const products = drover.cache.namespace('products');
const orders = drover.metrics.counter('shop_orders_total', 'Orders placed');
const seconds = drover.metrics.histogram('shop_order_seconds', 'How long placing an order takes', { buckets: [0.001, 0.01, 0.1, 1] });

let recent = []; // orders that any shop took
const remember = (order) => (recent = [...recent, order].slice(-100));

drover.on('order.placed', (order) => {
  journal(`heard ${order.id}`);
  remember(order);
});
drover.health('orders', () => ({ recent: recent.length })); // is asked by drover and shown in drover workers

const app = express();
app.disable('x-powered-by');
app.use(express.json());

// From the cache of all shops. When it is not there one of them asks the warehouse.
app.get('/products/:sku', async (req, res) => {
  const { sku } = req.params;
  res.json(await products.getOrSet(sku, () => drover.request(warehouse, 'product.get', sku), { ttl: 60_000, tags: [sku] }));
});

// The warehouse takes an order from the stock, and the other shops are told.
app.post('/orders', async (req, res) => {
  const done = seconds.startTimer();
  const { id, sku, quantity } = req.body ?? {};
  if (!id || !sku || !(quantity >= 1)) {
    res.status(400).json({ error: 'an order has an id, a sku and a quantity from 1 on' });
    return;
  }
  const order = { id, sku, quantity };
  const { price, left } = await drover.request(warehouse, 'stock.take', order);
  await products.invalidateTag(sku); // the stock is another now
  const number = await drover.cache.increment('orders');
  remember(order);
  const told = await drover.broadcast('order.placed', order);
  orders.inc(1, { sku });
  done();
  res.status(201).json({ number, ...order, total: price * quantity, left, told: told.received, missed: told.failed });
});

app.get('/orders', (req, res) => res.json({ orders: recent }));

// An error of the warehouse, or of drover on the way there.
const statuses = { 'unknown-product': 404, 'sold-out': 409 };
app.use((err, req, res, next) => {
  if (!(err instanceof drover.DroverError)) return next(err);
  const status = statuses[err.code];
  if (status) res.status(status).json({ error: err.message });
  else res.status(503).json({ error: err.message, code: err.code });
});

const server = app.listen(process.env.PORT || 8080, () => drover.ready());
// Longer than any proxy keeps an idle connection: the server must not be the one who closes first.
server.keepAliveTimeout = 120_000;
drover.onShutdown(() => new Promise((closed) => server.close(closed)));
