import type { Random } from '../../core/random.js';
import * as t from '../../core/schema.js';
import type { GeometricStep } from './geometry.js';
import { keepRatioSize, type ScaleLimits } from './keep-ratio.js';
import type { Rect, Size } from './rect.js';

/** Large-scale jitter. */
export const LargeScaleJitterOptions = t.record({
  /** Side of the square crop of the jittered image in pixels. */
  size: t.whole(1),
  /** Range of the factor. */
  scale: t.list(t.POSITIVE, 2),
});
export type LargeScaleJitterOptions = t.Infer<typeof LargeScaleJitterOptions>;

/** The paper's values: 1024 × 1024, 0.1 to 2. */
export const LARGE_SCALE_JITTER: LargeScaleJitterOptions = { size: 1024, scale: [0.1, 2] };

/**
 * Large-scale jitter: the long side becomes `int(size · r)`, then a window of at most `size` × `size` is cropped at a
 * random position. Small images stay small, without padding.
 *
 * @see ConvNeXt V2, appendix A.3; mmdet 3.x, RandomResize and RandomCrop (absolute_range with equal bounds)
 */
export function drawLargeScaleJitter(
  image: Size,
  { size, scale }: LargeScaleJitterOptions,
  random: Random,
): readonly GeometricStep[] {
  const limit = Math.trunc(size * random.between(...scale));
  const resized = atLeastOnePixel(keepRatioSize(image, { long: limit, short: limit }));
  const window = drawWindow(
    resized,
    { width: Math.min(resized.width, size), height: Math.min(resized.height, size) },
    random,
  );
  return [
    { kind: 'resize', size: resized },
    { kind: 'crop', window },
  ];
}

/** Multi-scale training with an occasional crop. */
export const MultiScaleOptions = t.record({
  /** Short sides to choose from, in pixels. */
  shortSides: t.list(t.whole(1)),
  longSide: t.whole(1),
  /** The alternative, with probability ½: resize to one of these, crop, resize again. */
  crop: t.record({
    shortSides: t.list(t.whole(1)),
    /** Range of the sides of the crop in pixels. */
    sides: t.list(t.whole(1), 2),
  }),
});
export type MultiScaleOptions = t.Infer<typeof MultiScaleOptions>;

/** Scales of the V1 configurations (DETR's). */
export const MULTI_SCALE: MultiScaleOptions = {
  shortSides: [480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800],
  longSide: 1333,
  crop: { shortSides: [400, 500, 600], sides: [384, 600] },
};

/**
 * Keep-ratio resize to a random short side, with probability ½ after a crop of the image at another scale.
 *
 * @see ConvNeXt V1, object_detection configs, AutoAugment of Resize and RandomCrop
 */
export function drawMultiScale(
  image: Size,
  options: MultiScaleOptions,
  random: Random,
): readonly GeometricStep[] {
  const resize = (from: Size, shortSides: readonly number[]): Size => {
    const limits: ScaleLimits = {
      long: options.longSide,
      short: shortSides[random.integer(shortSides.length)],
    };
    return atLeastOnePixel(keepRatioSize(from, limits));
  };
  if (random.chance(0.5)) return [{ kind: 'resize', size: resize(image, options.shortSides) }];
  const [least, most] = options.crop.sides;
  const first = resize(image, options.crop.shortSides);
  const side = (length: number): number => {
    const [low, high] = [Math.min(length, least), Math.min(length, most)];
    return low + random.integer(high - low + 1);
  };
  const height = side(first.height);
  const window = drawWindow(first, { width: side(first.width), height }, random);
  return [
    { kind: 'resize', size: first },
    { kind: 'crop', window },
    { kind: 'resize', size: resize(window, options.shortSides) },
  ];
}

/** Draws a window of `size` at a uniform position inside `image`. */
export function drawWindow(image: Size, size: Size, random: Random): Rect {
  const y = random.integer(image.height - size.height + 1);
  const x = random.integer(image.width - size.width + 1);
  return { x, y, width: size.width, height: size.height };
}

/** At least 1: the short side of very long images would be 0. */
function atLeastOnePixel({ width, height }: Size): Size {
  return { width: Math.max(width, 1), height: Math.max(height, 1) };
}
