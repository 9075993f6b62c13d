import { ConfigError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { number, oneOf, record, whole, type Infer } from '../../core/schema.js';
import { PilFilter } from './pil-coefficients.js';
import type { Rect, Size } from './rect.js';
import { resizePil } from './resize-pil.js';
import type { Scratch } from './scratch.js';

/** How an image becomes the classifier's input; saved with the weights. */
export const EvaluationResize = record({
  /** Side of the square input in pixels. */
  inputSize: whole(1),
  /** The part of the resized short side that the crop keeps; 224/256 for 224, ignored by `warp`. */
  cropFraction: number({ above: 0, to: 1 }),
  /** `crop`: short side to `inputSize / cropFraction`, then the center. `warp`: both sides to `inputSize`, whatever the aspect. */
  mode: oneOf('crop', 'warp'),
  filter: PilFilter,
});
export type EvaluationResize = Infer<typeof EvaluationResize>;

/** From this input size on the originals warp. */
const WARP_FROM = 384;

/**
 * The originals' rule: below 384 the short side becomes `int(inputSize · 256 / 224)` and the center is cut out, from 384 on
 * the image is warped to the square.
 *
 * @throws ConfigError if the size is no positive whole number or the fraction is not in (0, 1]
 */
export function evaluationResize(inputSize: number, cropFraction = 224 / 256): EvaluationResize {
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

/** The size an image is resized to and the window of it that is kept. */
export interface ResizeAndCrop {
  readonly size: Size;
  readonly window: Rect;
}

/**
 * Sizes and offsets of the evaluation transform for one image size. The long side is `int(short · long / short side)`, the crop
 * begins at `int(round(difference / 2))` with ties to even, as Python rounds.
 */
export function evaluationGeometry(
  image: Size,
  { inputSize, cropFraction, mode }: EvaluationResize,
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
  return {
    size,
    window: {
      x: centerOffset(size.width, inputSize),
      y: centerOffset(size.height, inputSize),
      width: inputSize,
      height: inputSize,
    },
  };
}

function centerOffset(side: number, crop: number): number {
  const half = (side - crop) / 2;
  const floor = Math.floor(half);
  return half - floor === 0.5 ? floor + (floor % 2) : Math.round(half);
}

/**
 * The evaluation transform up to normalization; only the kept window is resized.
 *
 * @param image `[H, W, 3]`
 * @returns `[inputSize, inputSize, 3]`, in `out` if given
 * @see ConvNeXt V2, datasets.py, build_transform
 */
export function resizeForEvaluation(
  image: RgbImage,
  resize: EvaluationResize,
  { out, scratch }: { readonly out?: Uint8Array; readonly scratch?: Scratch } = {},
): RgbImage {
  const options = { filter: resize.filter, ...evaluationGeometry(image, resize) };
  return resizePil(image, out === undefined ? options : { ...options, out }, scratch);
}
