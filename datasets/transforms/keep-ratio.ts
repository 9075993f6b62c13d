import { record, whole, type Infer } from '../../core/schema.js';
import type { Size } from './rect.js';

/** The largest size allowed for a resize that keeps the aspect ratio; which side is which doesn't matter. */
export const ScaleLimits = record({
  /** The long side's limit, pixels. */
  long: whole(1),
  /** The short side's limit, pixels. */
  short: whole(1),
});
export type ScaleLimits = Infer<typeof ScaleLimits>;

/**
 * The detectors' resize rule: `f = min(long / max(w, h), short / min(w, h))`, sides `int(side · f + 0.5)`.
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
