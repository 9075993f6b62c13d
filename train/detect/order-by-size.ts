import type { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import type { Size } from '../../datasets/transforms/rect.js';
import { inputSizes } from '../../inference/detect/preprocess.js';

/**
 * Orders images for a detector by input size, because a new size costs up to a second, with the largest first, so that
 * memory does not grow later.
 *
 * @param sizes sizes of the images in pixels
 * @returns indices of all sizes; stable
 */
export function orderBySize(sizes: readonly Size[], limits: ScaleLimits): readonly number[] {
  // Last by the image size: TTA views with equal canvases may differ.
  const keys = sizes.map((size) => {
    const { width, height } = inputSizes(size, limits).canvas;
    return [width * height, width, size.width, size.height] as const;
  });
  return [...keys.keys()].sort((a, b) => {
    const differing = keys[a].findIndex((value, i) => value !== keys[b][i]);
    return differing < 0 ? a - b : keys[b][differing] - keys[a][differing];
  });
}
