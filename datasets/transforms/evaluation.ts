import { assertNumber, assertObject } from '../../core/arguments.js';
import { ConfigError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { roundHalfEven } from '../../core/round.js';
import * as t from '../../core/schema.js';
import { PilFilter } from './pil-coefficients.js';
import type { Rect, Size } from './rect.js';
import { resizePil } from './resize-pil.js';

/** Preprocessing of images for the classifier; saved with the weights. */
export const EvaluationResize = t.record({
  /** Side of the square input in pixels. */
  inputSize: t.whole(1, 2 ** 14),
  /** Fraction of the resized short side that the crop keeps; 224/256 for 224, ignored by `warp`. */
  cropFraction: t.number({ above: 0, to: 1 }),
  /**
   * `crop`: short side to `inputSize / cropFraction`, then a center crop. `warp`: both sides to `inputSize`, whatever the
   * aspect ratio.
   */
  mode: t.oneOf('crop', 'warp'),
  filter: PilFilter,
  /** Absent: the crop's offset is rounded, ties to even. `floor`: rounded down, as in transformers. */
  cropOffset: t.optional(t.oneOf('floor')),
});
export type EvaluationResize = t.Infer<typeof EvaluationResize>;

/** Smallest input size for which the original code warps. */
const WARP_FROM = 384;

/**
 * Rule of the original code: below 384 the short side becomes `int(inputSize · 256 / 224)`, followed by a center crop;
 * from 384 on the image is warped to the square.
 *
 * @throws ConfigError if the size is not a positive whole number or the fraction is not in (0, 1]
 */
export function evaluationResize(inputSize: number, cropFraction = 224 / 256): EvaluationResize {
  assertNumber('evaluationResize', 'inputSize as a number', inputSize);
  assertNumber('evaluationResize', 'cropFraction as a number', cropFraction);
  if (!Number.isInteger(inputSize) || inputSize <= 0 || !(cropFraction > 0 && cropFraction <= 1))
    throw new ConfigError(
      `evaluationResize: expected a whole inputSize > 0 and 0 < cropFraction <= 1, got ${inputSize} and ${cropFraction}`,
    );
  return {
    inputSize,
    cropFraction,
    mode: inputSize < WARP_FROM ? 'crop' : 'warp',
    filter: 'bicubic',
  };
}

/** Resized size of an image, and the window that is kept. */
interface ResizeAndCrop {
  readonly size: Size;
  readonly window: Rect;
}

/**
 * Computes sizes and offsets of the evaluation transform for an image size. The long side is
 * `int(short · long / short side)`, the crop begins at `int(round(difference / 2))` with ties to even, as Python rounds,
 * or at the floor of it.
 */
export function evaluationGeometry(
  image: Size,
  { inputSize, cropFraction, mode, cropOffset }: EvaluationResize,
): ResizeAndCrop {
  if (mode === 'warp') {
    const size = { width: inputSize, height: inputSize };
    return { size, window: { x: 0, y: 0, ...size } };
  }
  const short = Math.trunc(inputSize / cropFraction);
  const isLandscape = image.width > image.height;
  const longOf = (long: number, side: number): number => Math.trunc((short * long) / side);
  const size = isLandscape
    ? { width: longOf(image.width, image.height), height: short }
    : { width: short, height: longOf(image.height, image.width) };
  const offset = (side: number): number =>
    (cropOffset === 'floor' ? Math.floor : roundHalfEven)((side - inputSize) / 2);
  return {
    size,
    window: {
      x: offset(size.width),
      y: offset(size.height),
      width: inputSize,
      height: inputSize,
    },
  };
}

/**
 * Applies the evaluation transform without normalization; only the kept window is computed.
 *
 * @param image `[H, W, 3]`
 * @returns `[inputSize, inputSize, 3]`, in `out` if given
 * @see ConvNeXt V2, datasets.py, build_transform
 */
export function resizeForEvaluation(
  image: RgbImage,
  resize: EvaluationResize,
  out?: Uint8Array,
): RgbImage {
  assertObject('resizeForEvaluation', 'an image', image, 'width', 'height', 'data');
  assertObject('resizeForEvaluation', 'a resize as of evaluationResize', resize, 'filter');
  return resizePil(image, { filter: resize.filter, ...evaluationGeometry(image, resize), out });
}
