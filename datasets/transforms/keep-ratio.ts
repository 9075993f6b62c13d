import * as t from '../../core/schema.js';
import type { Size } from './rect.js';

/** Limits of the size for a resize that keeps the aspect ratio, in any orientation. */
export const ScaleLimits = t.record({
  /** Limit of the long side in pixels. */
  long: t.whole(1, 2 ** 16),
  /** Limit of the short side in pixels. */
  short: t.whole(1, 2 ** 16),
});
export type ScaleLimits = t.Infer<typeof ScaleLimits>;

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
