import type { Size } from '../../core/boxes.js';
import type { RgbImage } from '../../core/image.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { keepRatioSize, type ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import { normalizationTable, normalizePadded } from '../../datasets/transforms/normalize.js';
import { paddedSize } from '../../datasets/transforms/pad.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import type { DetectorCard } from '../card.js';

/** How an input of the network came from an image. */
export interface InputGeometry {
  /** The resized image inside the padded input, pixels. */
  readonly imageSize: Size;
  /** The image as it was: boxes and masks are in its pixels. */
  readonly originalSize: Size;
  /** Factors of the resize: pixels of the input per pixel of the original. */
  readonly scale: { readonly x: number; readonly y: number };
}

/** One image as the network takes it. */
export interface DetectorInput extends InputGeometry {
  /** `[1, H, W, 3]` */
  readonly shape: readonly number[];
  /** Normalized, zeros at the right and bottom. */
  readonly data: Float32Array;
}

/**
 * How large an image becomes, pixels: resized with its aspect ratio kept, where a side that would vanish becomes one pixel, and
 * the canvas that it fills from the upper left, with sides that are multiples of 32.
 */
export function inputSizes(
  image: Size,
  limits: ScaleLimits,
): { readonly size: Size; readonly canvas: Size } {
  const { width, height } = keepRatioSize(image, limits);
  const size = { width: Math.max(width, 1), height: Math.max(height, 1) };
  return { size, canvas: paddedSize([size], SIZE_DIVISOR_PX) };
}

/**
 * An image as the detector takes it: resized as {@link inputSizes} says, normalized, zero-padded at the right and bottom.
 *
 * @see mmdet 2.x, pipelines Resize (keep_ratio), Normalize and Pad (size_divisor=32)
 */
export function detectorInput(
  image: RgbImage,
  { limits, pixels }: Pick<DetectorCard, 'limits' | 'pixels'>,
): DetectorInput {
  const { size, canvas } = inputSizes(image, limits);
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
