import type { Random } from '../../core/random.js';
import * as t from '../../core/schema.js';
import type { Rect, Size } from './rect.js';

/** Ranges of {@link randomResizedCrop}. */
export const RandomResizedCropOptions = t.record({
  /** Range of the fraction of the image area, drawn uniformly. */
  scale: t.list(t.FRACTION, 2),
  /** Range of width / height, drawn log-uniformly. */
  ratio: t.list(t.POSITIVE, 2),
});
export type RandomResizedCropOptions = t.Infer<typeof RandomResizedCropOptions>;

/** Ranges of the original code for supervised training; pre-training uses scale 0.2 to 1. */
export const RANDOM_RESIZED_CROP: RandomResizedCropOptions = {
  scale: [0.08, 1],
  ratio: [3 / 4, 4 / 3],
};

const MAX_DRAWS = 10;

/**
 * Draws the crop of an image for training: up to ten draws until one fits, then the largest center crop with an aspect
 * ratio in range.
 *
 * @see timm 0.3.2, data/transforms.py, RandomResizedCropAndInterpolation.get_params
 */
export function randomResizedCrop(
  { width, height }: Size,
  { scale, ratio }: RandomResizedCropOptions,
  random: Random,
): Rect {
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const areaPx = random.between(...scale) * width * height;
    const aspect = Math.exp(random.between(Math.log(ratio[0]), Math.log(ratio[1])));
    const w = Math.round(Math.sqrt(areaPx * aspect));
    const h = Math.round(Math.sqrt(areaPx / aspect));
    if (w > 0 && h > 0 && w <= width && h <= height)
      return {
        x: random.integer(width - w + 1),
        y: random.integer(height - h + 1),
        width: w,
        height: h,
      };
  }
  const aspect = width / height;
  const w = aspect > ratio[1] ? Math.max(Math.round(height * ratio[1]), 1) : width;
  const h = aspect < ratio[0] ? Math.max(Math.round(width / ratio[0]), 1) : height;
  return { x: (width - w) >> 1, y: (height - h) >> 1, width: w, height: h };
}
