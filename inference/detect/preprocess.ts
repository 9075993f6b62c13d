import type { Size } from '../../core/boxes.js';
import type { RgbImage } from '../../core/image.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { keepRatioSize, type ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import { normalizationTable, normalizePadded } from '../../datasets/transforms/normalize.js';
import { paddedSize } from '../../datasets/transforms/pad.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import type { DetectorCard } from '../card.js';

/** Geometry of a model input relative to the original image. */
export interface InputGeometry {
  /** Size of the resized image inside the padded input, in pixels. */
  readonly imageSize: Size;
  /** Size of the original image; boxes and masks are in its pixels. */
  readonly originalSize: Size;
  /** Factors of the resize: pixels of the input per pixel of the original. */
  readonly scale: { readonly x: number; readonly y: number };
}

/** Model input of one image. */
export interface DetectorInput extends InputGeometry {
  /** `[1, H, W, 3]` */
  readonly shape: readonly number[];
  /** Normalized, zeros at the right and bottom. */
  readonly data: Float32Array;
}

/**
 * Computes the sizes in pixels of the resized image (aspect ratio kept, sides at least one pixel) and of the canvas that
 * it is padded to at the right and bottom, with sides that are multiples of 32.
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
 * Converts an image to the detector's input: resized (see {@link inputSizes}), normalized, zero-padded at the right and
 * bottom.
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
