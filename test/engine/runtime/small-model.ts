import { Random } from '../../../core/random.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import type { CompilerTarget } from '../../../engine/runtime/compiled.js';
import { loadOnnxRuntime } from '../../../engine/runtime/load-runtime.js';
import { probeLowering } from '../../../engine/runtime/probe.js';
import type { HostTensors } from '../../../engine/runtime/program.js';
import { createClassifier } from '../../../models/classifier.js';
import { floats, values } from '../op-case.js';

/** A classifier with every kind of layer, small enough to compile in milliseconds. */
export const MODEL = createClassifier({
  backbone: { depths: [1, 1, 1, 1], dims: [4, 8, 12, 16], responseNorm: 'grn' },
  classes: 3,
  headInitScale: 1,
});

/** Parameters whose gradients are all of ordinary size. */
export function filledStore(seed = 1): ParameterStore {
  const store = new ParameterStore(MODEL.specs);
  const random = new Random(seed);
  for (let i = 0; i < store.values.length; i++) store.values[i] = random.between(-0.4, 0.4);
  return store;
}

/** `n` images of `height × width`. */
export const images = (n = 1, height = 32, width = 32, seed = 5): HostTensors => ({
  image: values(seed, [n, height, width, 3]),
});

/** Images with targets. */
export const examples = (n = 2): HostTensors => ({
  ...images(n),
  targets: floats(
    [n, 3],
    Array.from({ length: 3 * n }, (_, i) => (i % 4 === 0 ? 1 : 0)),
  ),
});

/** onnxruntime-node, or onnxruntime-web. */
export async function targetOf(kind: 'native' | 'wasm' = 'native'): Promise<CompilerTarget> {
  const runtime = await loadOnnxRuntime(kind);
  return { runtime, lowering: await probeLowering(runtime) };
}
