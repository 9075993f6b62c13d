import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as tfjs from '@tensorflow/tfjs';

/**
 * The part of tfjs that this library uses; files import it as `tf`. The package needs tfjs-core, the CPU backend, and what
 * `scripts/tfjs-parts.mjs` registers; `@tensorflow/tfjs` would bring 200 MB of layers, converters, data sets and WebGL, and
 * stands in only where sources run unbuilt. `import` makes Node search a bundle for the names of exports, which takes longer
 * than all else in the start of a command; `require` doesn't, and gives the same instance. Bundles for browsers have
 * tfjs-core in this file's place (`scripts/bundle-page.mjs`).
 */
const require = createRequire(import.meta.url);
const all = require('@tensorflow/tfjs-core') as typeof tfjs;
const parts = new URL('./tfjs-parts.cjs', import.meta.url);
if (existsSync(parts)) {
  require(fileURLToPath(parts));
  require('@tensorflow/tfjs-backend-cpu');
} else require('@tensorflow/tfjs');

export type * from '@tensorflow/tfjs';
export type DataStorage<T> = tfjs.DataStorage<T>;
export type KernelBackend = tfjs.KernelBackend;

export const {
  addN,
  backend,
  backend_util,
  broadcast_util,
  concat,
  customGrad,
  DataStorage,
  dispose,
  div,
  engine,
  findBackend,
  fused,
  gather,
  getBackend,
  getKernel,
  getKernelsForBackend,
  grads,
  keep,
  KernelBackend,
  logSoftmax,
  matMul,
  maximum,
  minimum,
  ones,
  onesLike,
  registerBackend,
  registerKernel,
  relu,
  removeBackend,
  scalar,
  setBackend,
  sigmoid,
  slice_util,
  softmax,
  sub,
  tensor,
  tensor1d,
  tensor2d,
  tensor3d,
  tidy,
  unregisterKernel,
  util,
  where,
  zeros,
  zerosLike,
} = all;
