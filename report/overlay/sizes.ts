import type { Picture } from './picture.js';

type Extent = Pick<Picture, 'width' | 'height'>;

/** Pictures whose longer side is below this are enlarged. */
const LEAST_SIDE_PX = 560;
const LARGEST_FACTOR = 8;

/**
 * By how much a small picture is enlarged before text is written on it: the least whole factor that makes the longer side
 * 560 pixels, but no more than 8.
 */
export function readingFactor({ width, height }: Extent): number {
  const factor = Math.ceil(LEAST_SIDE_PX / Math.max(width, height, 1));
  return Math.min(Math.max(factor, 1), LARGEST_FACTOR);
}

/** Line width and font size that suit a picture: a fixed part of its side, which stays the same part on any screen. */
export function sizesFor({ width, height }: Extent): {
  readonly linePx: number;
  readonly fontPx: number;
} {
  const side = Math.sqrt(width * height);
  return { linePx: Math.max(1.6, 0.0036 * side), fontPx: Math.max(14, 0.025 * side) };
}
