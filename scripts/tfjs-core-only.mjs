// Stands for `engine/tfjs.ts` in bundles for browsers: operations and their methods on tensors, no backend.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
export * from '@tensorflow/tfjs-core';
