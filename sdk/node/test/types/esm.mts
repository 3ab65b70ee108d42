import drover, { broadcast, cache, ClusterManager, DroverError, health, metrics, on, request, subscribe, worker } from 'drover';
import type { Context, Namespace } from 'drover';

interface User { name: string }

const users: Namespace = cache.namespace('users', { near: { maxEntries: 10 } });
const user: User | undefined = await users.get<User>('7');
const made: User = await users.getOrSet('8', async (key: string) => ({ name: key }), { ttl: 1000, tags: ['a'] });
const many: (User | undefined)[] = await cache.getMany<User>(['7', '8']);
const price: number = await request<number>({ pool: 'jobs', pick: 'least-busy' }, 'price.get', 42, { timeout: 100, signal: AbortSignal.timeout(50) });
on<number>('price.*', async (sku, { from, type, signal }: Context) => [sku + 1, from, type, signal.aborted]);
const stop = await subscribe<User>('users.*', (it, { topic }) => it.name + topic);
await stop();
const { received, failed } = await broadcast('price.changed', { sku: 42 }, { pool: '*' });
metrics.histogram('order_seconds', 'Time', { buckets: [0.1, 1] }).observe(0.3, { kind: 'new' });
health('db', () => ({ open: 4 }), { timeout: 100 });
drover.health(() => false);
const code: string = new DroverError('closed').code;
const slot: number = drover.worker.slot + worker.generation;
const manager = new ClusterManager({ command: ['node', 'server.js'], workers: 2 });
await manager.start();
const state: 'succeeded' | 'failed' = (await manager.restart()).state;
const exit: number | null = await manager.stop();
// @ts-expect-error: a type has a name
await broadcast();
// @ts-expect-error: there is no such way to pick
await request({ pick: 'fastest' }, 'x');
export { user, made, many, price, received, failed, code, slot, state, exit };
