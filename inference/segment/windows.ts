import type { Size } from '../../core/boxes.js';
import { ConfigError } from '../../core/errors.js';
import * as t from '../../core/schema.js';

/** Smallest side in pixels: the coarsest level of the network has stride 32. */
export const MIN_SIDE = 32;

/** Square sliding windows. */
export const SlidingWindow = t.record({
  /** Side in pixels; limited to the sides of the image. */
  cropSize: t.whole(1, 2 ** 14),
  /** Stride in pixels; the last window is shifted back into the image. */
  stride: t.whole(1, 2 ** 14),
});
/** Square sliding windows. */
export type SlidingWindow = t.Infer<typeof SlidingWindow>;

/** Positions of the windows of a grid in pixels. All windows have the same size. */
export interface WindowGrid {
  readonly tops: readonly number[];
  readonly lefts: readonly number[];
  readonly height: number;
  readonly width: number;
}

/**
 * Computes the positions of the windows that cover the image; the last one is shifted back to the end.
 *
 * @see mmsegmentation 0.x, models/segmentors/encoder_decoder.py, slide_inference
 */
export function windowGrid(
  { width, height }: Size,
  { cropSize, stride }: SlidingWindow,
): WindowGrid {
  const starts = (side: number): readonly number[] => {
    const count = Math.floor(Math.max(side - cropSize + stride - 1, 0) / stride) + 1;
    return Array.from({ length: count }, (_, i) =>
      Math.max(Math.min(i * stride + cropSize, side) - cropSize, 0),
    );
  };
  return {
    tops: starts(height),
    lefts: starts(width),
    height: Math.min(cropSize, height),
    width: Math.min(cropSize, width),
  };
}

/** @throws ConfigError for windows that are too small or leave gaps */
export function assertWindow({ cropSize, stride }: SlidingWindow): void {
  if (!Number.isInteger(cropSize) || cropSize < MIN_SIDE)
    throw new ConfigError(
      `window: expected a cropSize of at least ${MIN_SIDE} pixels, got ${cropSize}`,
    );
  if (!Number.isInteger(stride) || stride < 1 || stride > cropSize)
    throw new ConfigError(`window: expected a stride from 1 to ${cropSize}, got ${stride}`);
}
