import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as tfjs from '@tensorflow/tfjs';

/**
 * The part of tfjs that this library uses; files import it as `tf`. The package needs tfjs-core, what
 * `scripts/tfjs-parts.mjs` registers, and the CPU backend; `@tensorflow/tfjs` would bring 200 MB of layers, converters, data
 * sets and WebGL, and stands in only where sources run unbuilt. `import` makes Node search a bundle for the names of exports,
 * which takes longer than all else in the start of a command; `require` doesn't, and gives the same instance. Bundles for
 * browsers have tfjs-core in this file's place (`scripts/bundle-page.mjs`).
 */
const require = createRequire(import.meta.url);
const all = require('@tensorflow/tfjs-core') as typeof tfjs;
const bundled = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
if (existsSync(bundled('tfjs-parts.cjs'))) {
  require(bundled('tfjs-parts.cjs'));
  require(cpuBackend());
} else require('@tensorflow/tfjs');

/** The package, if a person's own tfjs brought it, because no backend may be registered twice; else our bundle of it. */
function cpuBackend(): string {
  try {
    return require.resolve('@tensorflow/tfjs-backend-cpu');
  } catch {
    return bundled('tfjs-cpu.cjs');
  }
}

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
