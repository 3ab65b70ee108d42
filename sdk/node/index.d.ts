import { EventEmitter } from 'events';

/** Who this process is: `app-3.7` is the seventh worker in slot 3 of the pool app. Outside drover `app-1.1`. */
export interface Worker {
  readonly id: string;
  readonly pool: string;
  readonly slot: number;
  readonly generation: number;
}
export const worker: Worker;

/** Every error of this package. `code` is one of docs/ipc-protocol.md, or the one that another worker's handler gave. */
export class DroverError extends Error {
  constructor(code: string, message?: string, options?: { cause?: unknown });
  readonly code: string;
}

/** Says that this worker is ready for requests (`processManagement.ready: notify`). */
export function ready(): void;

/**
 * Calls fn once when the worker has to end: by drover's word, or by SIGTERM or SIGINT, which then do not end the process
 * at once. When all functions are done the process ends with status 0 (1 where one failed), unless the application
 * listens to the signal itself.
 */
export function onShutdown(fn: (graceSeconds: number) => unknown): void;

/** What became of a message to many: `received` acknowledged it, `sent` went to workers that do not acknowledge. */
export interface Result {
  received: number;
  sent: number;
  failed: { worker: string; code: string; message: string }[];
}
export interface Delivery {
  worker: string;
  acknowledged: boolean;
}

export type Pick = 'random' | 'least-busy';
/** A worker (`app-2`, `app-2.7`), or one of a pool (by default the sender's own), never the sender itself. */
export type Target = string | { worker: string } | { pool?: string; pick?: Pick };

/** To all workers of a pool (by default the own one; `*`: every pool that may be sent to) but this one. */
export function broadcast(type: string, data?: unknown, options?: { pool?: string }): Promise<Result>;
export function broadcastToWorkers(type: string, data?: unknown, options?: { pool?: string }): Promise<Result>;
/** To one worker; resolves when its handlers have the message. */
export function sendTo(worker: Target, type: string, data?: unknown): Promise<Delivery>;
export function sendToRandom(type: string, data?: unknown, options?: { pool?: string; pick?: Pick }): Promise<Delivery>;
export function sendToRandomWorker(type: string, data?: unknown, options?: { pool?: string; pick?: Pick }): Promise<Delivery>;

export interface RequestOptions {
  /** Milliseconds; by default `ipc.requestTimeout`. */
  timeout?: number;
  signal?: AbortSignal;
}
/** Asks one worker and resolves to what its handler returns. */
export function request<Answer = any>(target: Target, type: string, data?: unknown, options?: RequestOptions): Promise<Answer>;

export interface Context {
  readonly from: string;
  readonly type: string;
  /** Of a request: aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}
export type Handler<Data = any> = (data: Data, context: Context) => unknown;
/** Handles messages and requests of a type, or of all that begin with what stands before a `*`. What it returns, or what the promise that it returns resolves to, answers a request. */
export function on<Data = any>(type: string, handler: Handler<Data>): void;
export function off(type: string, handler: Handler): void;

/** To all workers that subscribed to the topic, in every pool that may be sent to. */
export function publish(topic: string, data?: unknown): Promise<Result>;
/** Resolves to a function that ends the subscription. */
export type Unsubscribe = () => Promise<void>;
export function subscribe<Data = any>(pattern: string, fn: (data: Data, context: { topic: string; from: string }) => unknown): Promise<Unsubscribe>;

export interface ClusterEvent {
  time: string;
  kind: string;
  subject: string;
  message?: string;
  data?: any;
  [attribute: string]: any;
}
/** What happens in the cluster, as `drover events` shows it; of the kind `message` is what workers send by `process.send`. */
export function events(pattern: string, fn: (event: ClusterEvent) => unknown): Promise<Unsubscribe>;

export interface EntryOptions {
  /** Milliseconds; 0: for ever; missing: `cache.defaultTTL`. */
  ttl?: number;
  tags?: string[];
}
export interface ComputeOptions extends EntryOptions {
  /** How long computing may take until another worker tries (30 s). */
  lease?: number;
  /** How long to wait for another worker's value (5 s). */
  wait?: number;
}
/** A part of the shared cache. Values are what JSON can say. */
export interface Namespace {
  readonly name: string;
  /** The value, or undefined where there is none. */
  get<Value = any>(key: string): Promise<Value | undefined>;
  /** The values in the order of the keys. */
  getMany<Value = any>(keys: readonly string[]): Promise<(Value | undefined)[]>;
  set(key: string, value: unknown, options?: EntryOptions): Promise<true>;
  /** False where the key is there already. */
  add(key: string, value: unknown, options?: EntryOptions): Promise<boolean>;
  /** Whether it was there. */
  delete(key: string): Promise<boolean>;
  /** The new number; a missing key counts as 0. */
  increment(key: string, by?: number, options?: EntryOptions): Promise<number>;
  /** How many entries went. */
  invalidateTag(tag: string): Promise<number>;
  invalidatePrefix(prefix: string): Promise<number>;
  /** The value; where there is none, one of all workers that ask at the same time computes it and the others wait. */
  getOrSet<Value>(key: string, compute: (key: string) => Value | Promise<Value>, options?: ComputeOptions): Promise<Value>;
}
export interface NamespaceOptions {
  /** Keep copies in this worker; drover tells what to drop. Values that come from them are frozen. */
  near?: boolean | { maxEntries?: number };
}
export interface Cache extends Omit<Namespace, 'name'> {
  /** Another part of the cache; the cache itself is the namespace `default`. */
  namespace(name: string, options?: NamespaceOptions): Namespace;
  /** What `GET /api/v1/cache` shows. */
  stats(): Promise<any>;
}
export const cache: Cache;

export type Labels = Record<string, string | number | boolean>;
export interface Counter {
  inc(by?: number, labels?: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  inc(by?: number, labels?: Labels): void;
  dec(by?: number, labels?: Labels): void;
}
export interface Histogram {
  observe(value: number, labels?: Labels): void;
  /** Returns a function that observes, and returns, the seconds since then. */
  startTimer(labels?: Labels): (labels?: Labels) => number;
}
/** Numbers that show in drover's `/metrics` with the worker as label. The same name gives the same metric. */
export interface Metrics {
  counter(name: string, help?: string): Counter;
  gauge(name: string, help?: string): Gauge;
  /** `buckets` are upper bounds in rising order; by default those for seconds. */
  histogram(name: string, help?: string, options?: { buckets?: readonly number[] }): Histogram;
}
export const metrics: Metrics;

/** A check fails when it throws or returns false or `{ ok: false }`. An object that it returns shows as details. */
export type Check = () => unknown;
export interface CheckOptions {
  /** Milliseconds (1500). */
  timeout?: number;
}
/** Adds a check, called `app` where it has no name, that drover asks for with `healthCheck.type: ipc`. */
export function health(check: Check, options?: CheckOptions): void;
export function health(name: string, check: Check, options?: CheckOptions): void;

export interface ManagerOptions {
  /** The program; by default `DROVER_BINARY`, else `drover` in PATH. */
  binary?: string;
  /** A settings file, or what would stand in one. */
  config?: string | Record<string, unknown>;
  /** In place of `config`: the command of the workers, which make the pool `app`. */
  command?: string[];
  workers?: number | 'auto';
  listen?: string | string[];
  directory?: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Where drover's output goes; a function gets it line by line. */
  output?: 'inherit' | 'ignore' | ((line: string) => void);
  /** Where the admin API is (`unix:/path`, `http://host:port`), if it cannot be found. */
  admin?: string;
  token?: string;
  /** Milliseconds that start and scale may take (60000). */
  timeout?: number;
}
export interface WorkerInfo {
  id: string;
  pool: string;
  slot: number;
  generation: number;
  pid: number;
  state: 'stopped' | 'starting' | 'running' | 'draining' | 'stopping' | 'backoff' | 'failed';
  health: 'starting' | 'healthy' | 'unhealthy' | 'ejected';
  address: string;
  restarts: number;
  [more: string]: any;
}
export interface PoolInfo {
  name: string;
  health: 'healthy' | 'degraded' | 'unhealthy';
  wanted: number;
  workers: number;
  ready: number;
  failed: number;
  [more: string]: any;
}
export interface Health {
  health: 'healthy' | 'degraded' | 'unhealthy';
  ready: boolean;
  draining: boolean;
  reasons: string[];
  pools: PoolInfo[];
}
export interface RestartOutcome {
  state: 'succeeded' | 'failed';
  message: string;
  pools: { pool: string; state: 'succeeded' | 'failed'; message: string }[];
}
export interface MetricFamily {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}
/** Starts a drover and operates it. Emits `ready`, `exit`, `event`, and each event of drover under its kind. */
export class ClusterManager extends EventEmitter {
  constructor(options: ManagerOptions);
  readonly pid: number | undefined;
  /** Resolves when drover is ready to serve. */
  start(): Promise<void>;
  /** Resolves to drover's exit status: 0, or 1 where something was cut off. */
  stop(graceful?: boolean): Promise<number | null>;
  /** Replaces the workers, of one pool or of all, one after another. */
  restart(pool?: string): Promise<RestartOutcome>;
  /** Resolves when so many workers are ready. */
  scale(workers: number | 'auto', pool?: string): Promise<PoolInfo>;
  /** Has drover read its settings again. */
  reload(): Promise<any>;
  getMetrics(): Promise<Record<string, MetricFamily>>;
  getWorkers(): Promise<WorkerInfo[]>;
  getHealth(): Promise<Health>;
}
