// A shop of the order service: it takes orders over HTTP. There are several of it.
import * as drover from 'drover';
import { journal } from './journal';
import type { Order, Product, Taken } from './types';

const warehouse = { pool: 'warehouse' }; // any worker of that pool
const products = drover.cache.namespace('products');
const orders = drover.metrics.counter('shop_orders_total', 'Orders placed');
const seconds = drover.metrics.histogram('shop_order_seconds', 'How long placing an order takes', { buckets: [0.001, 0.01, 0.1, 1] });

let recent: Order[] = []; // that any shop took
const remember = (order: Order) => (recent = [...recent, order].slice(-100));

drover.on('order.placed', (order: Order) => {
  journal(`heard ${order.id}`);
  remember(order);
});
drover.health('orders', () => ({ recent: recent.length })); // is asked by drover and shown in drover workers

// From the cache of all shops. When it is not there one of them asks the warehouse.
function product(sku: string) {
  const ask = () => drover.request<Product>(warehouse, 'product.get', sku);
  return products.getOrSet(sku, ask, { ttl: 60_000, tags: [sku] });
}

// The warehouse takes an order from the stock, and the other shops are told.
async function place(order: Order) {
  const done = seconds.startTimer();
  const { price, left } = await drover.request<Taken>(warehouse, 'stock.take', order);
  await products.invalidateTag(order.sku); // the stock is another now
  const number = await drover.cache.increment('orders');
  remember(order);
  const told = await drover.broadcast('order.placed', order);
  orders.inc(1, { sku: order.sku });
  done();
  return { number, ...order, total: price * order.quantity, left, told: told.received, missed: told.failed };
}

async function takeOrder(request: Request) {
  const { id, sku, quantity } = await request.json().catch(() => ({}));
  if (!id || !sku || !(quantity >= 1)) {
    return Response.json({ error: 'an order has an id, a sku and a quantity from 1 on' }, { status: 400 });
  }
  return Response.json(await place({ id, sku, quantity }), { status: 201 });
}

// An error of the warehouse, or of drover on the way there.
const statuses: Record<string, number> = { 'unknown-product': 404, 'sold-out': 409 };
function fail(err: Error) {
  if (!(err instanceof drover.DroverError)) throw err;
  const status = statuses[err.code];
  if (status) return Response.json({ error: err.message }, { status });
  return Response.json({ error: err.message, code: err.code }, { status: 503 });
}

const server = Bun.serve({
  port: process.env.PORT ?? 8080,
  idleTimeout: 120, // longer than any proxy keeps an idle connection: the server must not be the one who closes first
  routes: {
    '/products/:sku': { GET: async (request) => Response.json(await product(request.params.sku)) },
    '/orders': { GET: () => Response.json({ orders: recent }), POST: takeOrder },
  },
  error: fail,
});
drover.onShutdown(() => server.stop());
drover.ready();
