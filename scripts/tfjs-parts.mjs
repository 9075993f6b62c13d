// Additions of `@tensorflow/tfjs` to tfjs-core: methods of tensors and gradients of operations. Both register with tfjs-core's
// global engine. They are ES modules that Node cannot require, so the build bundles them as dist/engine/tfjs-parts.cjs.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
