import { ConfigError, ShapeError } from '../../core/errors.js';

import { IGNORED_LABEL, type LabelMap } from '../../core/image.js';
import type { Size } from './rect.js';

/**
 * Computes the canvas size of a batch: the largest sides, rounded up to a multiple of `divisor`. Not larger, because
 * padding affects GRN and convolutions.
 *
 * @throws ConfigError without sizes, or for a divisor that is not a positive whole number
 */
export function paddedSize(sizes: readonly Size[], divisor: number): Size {
  if (sizes.length === 0 || !Number.isInteger(divisor) || divisor < 1)
    throw new ConfigError(
      `paddedSize: expected sizes and a whole divisor above 0, got ${sizes.length} and ${divisor}`,
    );
  const up = (length: number): number => Math.ceil(length / divisor) * divisor;
  return {
    width: up(Math.max(...sizes.map(({ width }) => width))),
    height: up(Math.max(...sizes.map(({ height }) => height))),
  };
}

/**
 * Writes labels to the upper left corner of a canvas and 255 (ignored) to the rest.
 *
 * @param labels `[h, w]`
 * @param batch e.g. `[N, H, W]`
 * @param canvas `H` and `W`, and the index of the canvas's first label
 * @throws ShapeError if the labels don't fit
 */
export function padLabels(
  labels: LabelMap,
  batch: Uint8Array,
  { width, height, offset }: Size & { readonly offset: number },
): void {
  if (labels.width > width || labels.height > height || offset + width * height > batch.length)
    throw new ShapeError(
      `padLabels: expected labels of at most ${width}x${height} and room for them, ` +
        `got ${labels.width}x${labels.height} at ${offset} of ${batch.length}`,
    );
  batch.fill(IGNORED_LABEL, offset, offset + width * height);
  for (let y = 0; y < labels.height; y++)
    batch.set(labels.data.subarray(y * labels.width, (y + 1) * labels.width), offset + y * width);
}
