'use strict';
// The warehouse of the order service. Shops ask it over drover, and it listens nowhere.
const drover = require('drover');
const { journal } = require('./journal');

const products = {
  pen: { sku: 'pen', price: 120, stock: 100000 },
  book: { sku: 'book', price: 1500, stock: 2 },
};
const lookups = drover.metrics.counter('warehouse_lookups_total', 'Products that were looked up');
const stock = () => Object.fromEntries(Object.values(products).map(({ sku, stock }) => [sku, stock]));

// An error's code reaches the shop that asked.
function find(sku) {
  if (!Object.hasOwn(products, sku)) throw new drover.DroverError('unknown-product', `there is no product ${sku}`);
  return products[sku];
}

drover.on('product.get', (sku) => {
  lookups.inc();
  return find(sku);
});

drover.on('stock.take', ({ id, sku, quantity }) => {
  const product = find(sku);
  if (product.stock < quantity) throw new drover.DroverError('sold-out', `only ${product.stock} of ${sku} are left`);
  product.stock -= quantity;
  journal(`took ${id}`);
  return { price: product.price, left: product.stock };
});

drover.health('stock', stock); // is asked by drover and shown in drover workers

drover.onShutdown(() => {}); // it ends when its last answer is on its way
drover.ready();
