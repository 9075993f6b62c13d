import type { RgbImage } from '../../core/image.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { keepRatioSize, type ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import {
  normalizationTable,
  normalizePadded,
  type PixelStats,
} from '../../datasets/transforms/normalize.js';
import { paddedSize } from '../../datasets/transforms/pad.js';
import type { Size } from '../../datasets/transforms/rect.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import type { ViewedImage } from '../../models/detector-predictor.js';

/** How a detector sees an image. */
export interface DetectorViewing {
  /** Limits of the sides of the resized image, pixels. */
  readonly limits: ScaleLimits;
  readonly pixels: PixelStats;
}

/**
 * How large an image becomes, pixels: resized with its aspect ratio kept, where a side that would vanish becomes one pixel, and
 * the canvas that it fills from the upper left, with sides that are multiples of 32.
 */
export function viewSizes(
  image: Size,
  limits: ScaleLimits,
): { readonly size: Size; readonly canvas: Size } {
  const { width, height } = keepRatioSize(image, limits);
  const size = { width: Math.max(width, 1), height: Math.max(height, 1) };
  return { size, canvas: paddedSize([size], SIZE_DIVISOR_PX) };
}

/**
 * An image as the detector takes it: resized as {@link viewSizes} says, normalised, zero-padded at the right and bottom.
 *
 * @see mmdet 2.x, pipelines Resize (keep_ratio), Normalize and Pad (size_divisor=32)
 */
export function detectorView(image: RgbImage, { limits, pixels }: DetectorViewing): ViewedImage {
  const { size, canvas } = viewSizes(image, limits);
  const resized = transformImage(image, [{ kind: 'resize', size }]);
  const data = new Float32Array(canvas.width * canvas.height * 3);
  normalizePadded(resized, normalizationTable(pixels), data, { ...canvas, offset: 0 });
  return {
    shape: [1, canvas.height, canvas.width, 3],
    data,
    imageSize: size,
    originalSize: { width: image.width, height: image.height },
    scale: { x: size.width / image.width, y: size.height / image.height },
  };
}
