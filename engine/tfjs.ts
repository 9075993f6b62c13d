import { createRequire } from 'node:module';
import type * as tfjs from '@tensorflow/tfjs';

/**
 * The part of tfjs that this library uses; files import it as `tf`. `import` of the package itself makes Node search its
 * bundle of 1.3 MB for the names of exports, which takes longer than all else in the start of a command; `require` doesn't,
 * and gives the same instance. Bundles for browsers have tfjs-core in this file's place (`scripts/bundle-page.mjs`).
 */
const all = createRequire(import.meta.url)('@tensorflow/tfjs') as typeof tfjs;

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
