import { record, whole, type Infer } from '../../core/schema.js';
import type { Size } from './rect.js';

/** Limits of the size for a resize that keeps the aspect ratio, in any orientation. */
export const ScaleLimits = record({
  /** Limit of the long side in pixels. */
  long: whole(1, 2 ** 16),
  /** Limit of the short side in pixels. */
  short: whole(1, 2 ** 16),
});
export type ScaleLimits = Infer<typeof ScaleLimits>;

/**
 * Computes the size by the resize rule of detectors: `f = min(long / max(w, h), short / min(w, h))`, sides
 * `int(side · f + 0.5)`.
 *
 * @see mmcv, image/geometric.py, rescale_size
 */
export function keepRatioSize({ width, height }: Size, { long, short }: ScaleLimits): Size {
  const factor = Math.min(long / Math.max(width, height), short / Math.min(width, height));
  return {
    width: Math.trunc(width * factor + 0.5),
    height: Math.trunc(height * factor + 0.5),
  };
}
