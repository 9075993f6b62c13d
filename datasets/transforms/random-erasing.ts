import type { Random } from '../../core/random.js';
import * as t from '../../core/schema.js';
import type { Rect, Size } from './rect.js';

/** Options of {@link drawErasing}. */
export const RandomErasingOptions = t.record({
  probability: t.FRACTION,
  /** Range of the fraction of the image area, drawn uniformly. */
  area: t.list(t.FRACTION, 2),
  /** Range of height / width, drawn log-uniformly. */
  aspect: t.list(t.POSITIVE, 2),
});
export type RandomErasingOptions = t.Infer<typeof RandomErasingOptions>;

/** Setting of the original code: `reprob 0.25`, mode `pixel`, count 1. */
export const RANDOM_ERASING: RandomErasingOptions = {
  probability: 0.25,
  area: [0.02, 1 / 3],
  aspect: [0.3, 1 / 0.3],
};

const MAX_DRAWS = 10;

/**
 * Draws the rectangle to erase; repeats up to ten times until it is smaller than the image on both axes.
 *
 * @returns undefined if nothing is to be erased
 * @see timm 0.3.2, data/random_erasing.py
 */
export function drawErasing(
  { width, height }: Size,
  { probability, area, aspect }: RandomErasingOptions,
  random: Random,
): Rect | undefined {
  if (!random.chance(probability)) return undefined;
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const areaPx = random.between(...area) * width * height;
    const tallness = Math.exp(random.between(Math.log(aspect[0]), Math.log(aspect[1])));
    const h = Math.round(Math.sqrt(areaPx * tallness));
    const w = Math.round(Math.sqrt(areaPx / tallness));
    if (w < width && h < height)
      return {
        x: random.integer(width - w + 1),
        y: random.integer(height - h + 1),
        width: w,
        height: h,
      };
  }
  return undefined;
}

/**
 * Random erasing: replaces a rectangle of a normalized image with values from N(0, 1), in place.
 *
 * @param images e.g. `[N, H, W, 3]`
 * @param place index of the image's first value, and its size
 * @param rect of {@link drawErasing}
 * @see Random Erasing: https://arxiv.org/abs/1708.04896
 */
export function eraseWithNoise(
  images: Float32Array,
  place: Size & { readonly offset: number },
  rect: Rect,
  random: Random,
): void {
  for (let y = 0; y < rect.height; y++) {
    const start = place.offset + ((rect.y + y) * place.width + rect.x) * 3;
    fillNormal(images.subarray(start, start + rect.width * 3), random);
  }
}

/** Box–Muller using both values of a pair; 32 random bits are enough for noise. */
function fillNormal(values: Float32Array, random: Random): void {
  for (let i = 0; i < values.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log((random.uint32() + 0.5) / 4294967296));
    const angle = random.uint32() * ((2 * Math.PI) / 4294967296);
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
}
