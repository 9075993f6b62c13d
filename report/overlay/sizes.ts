import type { Picture } from './picture.js';

type Extent = Pick<Picture, 'width' | 'height'>;

/** Pictures whose longer side is below this are enlarged. */
const LEAST_SIDE_PX = 560;
const LARGEST_FACTOR = 8;

/**
 * Factor by which a small picture is upscaled before drawing text: the smallest whole number that makes the longer side
 * at least 560 pixels, at most 8.
 */
export function readingFactor({ width, height }: Extent): number {
  const factor = Math.ceil(LEAST_SIDE_PX / Math.max(width, height, 1));
  return Math.min(Math.max(factor, 1), LARGEST_FACTOR);
}

/** Computes line width and font size as fixed fractions of the picture's side. */
export function sizesFor({ width, height }: Extent): {
  readonly linePx: number;
  readonly fontPx: number;
} {
  const side = Math.sqrt(width * height);
  return { linePx: Math.max(1.6, 0.0036 * side), fontPx: Math.max(14, 0.025 * side) };
}
