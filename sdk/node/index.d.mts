import * as drover from './index.js';

export * from './index.js';
export default drover;
