import { expectedShapes, type Architecture } from '../../weights/architecture.js';
import { tensorOf, type LazyTensor } from '../../io/tensor.js';
import { Random } from '../../core/random.js';

/** A network of random weights under official dense names. */
export function smallNetwork(
  overrides: Partial<Architecture> = {},
  seed = 1,
): Map<string, LazyTensor & { readonly values: Float32Array }> {
  const architecture: Architecture = {
    size: undefined,
    depths: [1, 2, 1, 1],
    dims: [2, 3, 4, 5],
    inChannels: 3,
    numClasses: 6,
    hasNorm: true,
    stageNorms: [],
    ...overrides,
  };
  const random = new Random(seed);
  return new Map(
    [...expectedShapes(architecture)].map(([name, shape]) => {
      const length = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length }, () => random.between(-1, 1));
      return [name, { ...tensorOf(values, shape), values }];
    }),
  );
}
