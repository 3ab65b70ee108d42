import drover from './index.js';

export default drover;
export const {
  worker, ready, onShutdown,
  broadcast, broadcastToWorkers, sendTo, sendToRandom, sendToRandomWorker, request, on, off,
  publish, subscribe, events,
  cache, metrics, health,
  ClusterManager, DroverError,
} = drover;
