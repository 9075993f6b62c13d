import type { Random } from '../../core/random.js';
import type { RgbImage } from '../../core/image.js';
import * as t from '../../core/schema.js';
import { affineBicubicPil, rotationPil, type AffineMatrix, type Rgb } from './pil-affine.js';
import {
  autoContrast,
  brightness,
  color,
  contrast,
  equalize,
  invert,
  posterize,
  sharpness,
  solarize,
  solarizeAdd,
} from './pil-enhance.js';
import { scratchBytes } from './scratch.js';

/** Options of {@link randAugment}. */
export const RandAugmentOptions = t.record({
  /** Number of operations drawn per image, with replacement. */
  numOperations: t.whole(0),
  /** Mean strength, 0 to 10. */
  magnitude: t.number({ from: 0, to: 10 }),
  /** Standard deviation of the strength, drawn for each operation and clipped to 0 … 10. */
  magnitudeStd: t.NON_NEGATIVE,
  /** Probability that a drawn operation is applied. */
  probability: t.FRACTION,
});
export type RandAugmentOptions = t.Infer<typeof RandAugmentOptions>;

/** `rand-m9-mstd0.5-inc1`, the setting of the original code. */
export const RAND_AUGMENT: RandAugmentOptions = {
  numOperations: 2,
  magnitude: 9,
  magnitudeStd: 0.5,
  probability: 0.5,
};

const MAX_MAGNITUDE = 10;

/** Arguments of an operation besides the image. */
interface OperationContext {
  /** Strength, 0 to 1. */
  readonly level: number;
  readonly random: Random;
  /** Fill color for pixels from outside. */
  readonly fill: Rgb;
}

type RandomOperation = (image: RgbImage, out: Uint8Array, context: OperationContext) => void;

const eitherSign = (value: number, random: Random): number => (random.chance(0.5) ? -value : value);
/** Enhancement factors are 1 ± 0.9 · level. */
const factor = ({ level, random }: OperationContext): number => 1 + eitherSign(0.9 * level, random);
const translation = (x: number, y: number): AffineMatrix => [1, 0, x, 0, 1, y];

function moved(
  matrixOf: (image: RgbImage, context: OperationContext) => AffineMatrix,
): RandomOperation {
  return (image, out, context) =>
    affineBicubicPil(image, matrixOf(image, context), context.fill, out);
}

/** The fifteen operations of the `inc1` set; all increase with the level. */
export const RANDOM_OPERATIONS: Readonly<Record<string, RandomOperation>> = {
  autoContrast: (image, out) => autoContrast(image, out),
  equalize: (image, out) => equalize(image, out),
  invert: (image, out) => invert(image, out),
  rotate: moved(({ width, height }, { level, random }) =>
    rotationPil(eitherSign(30 * level, random), width, height),
  ),
  posterize: (image, out, { level }) => posterize(image, out, 4 - Math.trunc(4 * level)),
  solarize: (image, out, { level }) =>
    solarize(image, out, 256 - Math.min(256, Math.trunc(256 * level))),
  solarizeAdd: (image, out, { level }) =>
    solarizeAdd(image, out, Math.min(128, Math.trunc(110 * level))),
  color: (image, out, context) => color(image, out, factor(context)),
  contrast: (image, out, context) => contrast(image, out, factor(context)),
  brightness: (image, out, context) => brightness(image, out, factor(context)),
  sharpness: (image, out, context) => sharpness(image, out, factor(context)),
  shearX: moved((_, { level, random }) => [1, eitherSign(0.3 * level, random), 0, 0, 1, 0]),
  shearY: moved((_, { level, random }) => [1, 0, 0, eitherSign(0.3 * level, random), 1, 0]),
  translateX: moved(({ width }, { level, random }) =>
    translation(eitherSign(0.45 * level, random) * width, 0),
  ),
  translateY: moved(({ height }, { level, random }) =>
    translation(0, eitherSign(0.45 * level, random) * height),
  ),
};

const NAMES = Object.keys(RANDOM_OPERATIONS);

/**
 * RandAugment: applies a few operations drawn from fifteen, each with a random strength. The image's pixels are
 * overwritten.
 *
 * @param image `[H, W, 3]`
 * @param fill color of pixels from outside, in the original code the rounded pixel mean
 * @returns the image
 * @see RandAugment: https://arxiv.org/abs/1909.13719; timm 0.3.2, data/auto_augment.py
 */
export function randAugment(
  image: RgbImage,
  { numOperations, magnitude, magnitudeStd, probability }: RandAugmentOptions,
  { random, fill }: Pick<OperationContext, 'random' | 'fill'>,
): RgbImage {
  const names = Array.from({ length: numOperations }, () => NAMES[random.integer(NAMES.length)]);
  let current = image;
  for (const name of names) {
    if (!random.chance(probability)) continue;
    const drawn = magnitudeStd > 0 ? magnitude + magnitudeStd * random.normal() : magnitude;
    const level = Math.min(Math.max(drawn, 0), MAX_MAGNITUDE) / MAX_MAGNITUDE;
    const other = current === image ? scratchBytes('rand-augment', image.data.length) : image.data;
    RANDOM_OPERATIONS[name](current, other, { level, random, fill });
    current = current === image ? { ...image, data: other } : image;
  }
  if (current !== image) image.data.set(current.data);
  return image;
}
