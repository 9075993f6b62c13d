import type { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import type { Size } from '../../datasets/transforms/rect.js';
import { inputSizes } from '../../inference/detect/preprocess.js';

/**
 * The order in which a detector looks at many images: those that become inputs of one size follow each other, as a new size
 * costs up to a second, and the largest come first, so that memory does not grow on the way.
 *
 * @param sizes of the images, pixels
 * @returns indices of all sizes; equal ones keep their order
 */
export function viewingOrder(sizes: readonly Size[], limits: ScaleLimits): readonly number[] {
  // The size itself decides last: augmented views of equal canvases may differ.
  const keys = sizes.map((size) => {
    const { width, height } = inputSizes(size, limits).canvas;
    return [width * height, width, size.width, size.height] as const;
  });
  return [...keys.keys()].sort((a, b) => {
    const differing = keys[a].findIndex((value, i) => value !== keys[b][i]);
    return differing < 0 ? a - b : keys[b][differing] - keys[a][differing];
  });
}
