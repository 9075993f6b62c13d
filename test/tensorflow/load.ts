import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { loadTensorflowBackend } from '../../engine/runtime/tfjs-node.js';

/** Folder into which `scripts/real-tensorflow.mjs` puts the package with the real library. */
const PACKAGES = resolve(
  import.meta.dirname,
  '../../node_modules/.cache/convnextv2/tfjs-node-4.22.0',
);
const require = createRequire(join(PACKAGES, 'package.json'));

/** TensorFlow's library, as tfjs-node calls it. */
export interface TensorflowLibrary {
  readonly TF_Version: string;
  getNumOfTensors(): number;
}

export const library = require(
  join(PACKAGES, 'node_modules/@tensorflow/tfjs-node/lib/napi-v8/tfjs_binding.node'),
) as TensorflowLibrary;
Object.assign(globalThis, { [Symbol.for('convnextv2.tfjs-node-binding')]: library });

/** The backend of the tests of this process. */
export const backend = await loadTensorflowBackend({
  prefer: 'cpu',
  importModule: (name) => Promise.resolve(require(name)),
});
