import { numElements } from '../core/shape.js';
import { expectedShapes, SIZES, V1_SIZES } from './architecture.js';

/** Depths and dims of the published sizes; Small and XLarge are of V1 only. */
export const NETWORKS = {
  ...SIZES,
  small: V1_SIZES.small,
  xlarge: V1_SIZES.xlarge,
} as const;

/** Sizes of published networks. */
export type PublishedSize = keyof typeof NETWORKS;

/** Number of parameters of a classifier, or of an encoder without classes. */
export function countParameters(version: 1 | 2, size: PublishedSize, numClasses?: number): number {
  const { depths, dims } = NETWORKS[size];
  const shapes = expectedShapes({
    size: undefined,
    depths,
    dims,
    inChannels: 3,
    numClasses,
    stageNorms: [],
    hasNorm: numClasses !== undefined,
    withoutResponseNorm: version === 1 ? true : undefined,
  });
  const layerScale = version === 1 ? dims.reduce((sum, dim, s) => sum + depths[s] * dim, 0) : 0;
  return [...shapes.values()].reduce((sum, shape) => sum + numElements(shape), layerScale);
}

/** Number of parameters of the decoder in FCMAE files: projection, mask token, one block of width 512, prediction. */
export function countDecoder(size: PublishedSize): number {
  const [width, dim, patch] = [512, NETWORKS[size].dims[3], 3 * 32 * 32];
  const block = width * (49 + 1 + 2) + width * 4 * width * 2 + 4 * width * 3 + width;
  return dim * width + width + width + block + width * patch + patch;
}
