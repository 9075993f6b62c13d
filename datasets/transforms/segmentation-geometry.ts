import { ConfigError } from '../../core/errors.js';
import type { Random } from '../../core/random.js';
import * as t from '../../core/schema.js';
import { drawWindow } from './detection-geometry.js';
import { gridOf, transformLabels, type GeometricStep } from './geometry.js';
import { ScaleLimits, keepRatioSize } from './keep-ratio.js';

import { IGNORED_LABEL, type LabelMap } from '../../core/image.js';

/** Options of random scale, crop and flip for semantic segmentation. */
export const SegmentationGeometryOptions = t.record({
  /** Limits of the sides at ratio 1, in pixels. */
  scale: ScaleLimits,
  ratio: t.list(t.POSITIVE, 2),
  /** Side of the square crop in pixels; smaller images stay smaller. */
  cropSize: t.whole(1),
  /** A crop is drawn again if one class has at least this fraction of its labeled pixels. */
  categoryMaxRatio: t.FRACTION,
  flipProbability: t.FRACTION,
});
export type SegmentationGeometryOptions = t.Infer<typeof SegmentationGeometryOptions>;

/** Options for ADE20K at 512 × 512. */
export const ADE20K_GEOMETRY: SegmentationGeometryOptions = {
  scale: { long: 2048, short: 512 },
  ratio: [0.5, 2],
  cropSize: 512,
  categoryMaxRatio: 0.75,
  flipProbability: 0.5,
};

const MAX_REDRAWS = 10;

/**
 * Draws scale, crop and flip. The crop is drawn again, up to ten times, while a single class dominates; the eleventh is
 * always accepted.
 *
 * @param labels `[H, W]` of the image
 * @returns the steps for the image, and the transformed labels
 * @throws ConfigError for a crop size that is not a positive whole number
 * @see mmsegmentation 0.x, Resize, RandomCrop and RandomFlip
 */
export function drawSegmentationGeometry(
  labels: LabelMap,
  options: SegmentationGeometryOptions,
  random: Random,
): { readonly steps: readonly GeometricStep[]; readonly labels: LabelMap } {
  const { scale, ratio, cropSize, categoryMaxRatio, flipProbability } = options;
  if (!Number.isInteger(cropSize) || cropSize < 1)
    throw new ConfigError(`cropSize: expected a whole number above 0, got ${cropSize}`);
  const factor = random.between(...ratio);
  const { width, height } = keepRatioSize(labels, {
    long: Math.trunc(scale.long * factor),
    short: Math.trunc(scale.short * factor),
  });
  const size = { width: Math.max(width, 1), height: Math.max(height, 1) };
  const cut = { width: Math.min(size.width, cropSize), height: Math.min(size.height, cropSize) };
  for (let redraws = 0; ; redraws++) {
    const steps: GeometricStep[] = [
      { kind: 'resize', size },
      { kind: 'crop', window: drawWindow(size, cut, random) },
    ];
    const cropped = transformLabels(labels, gridOf(labels, steps));
    const isTaken = redraws === MAX_REDRAWS || isVaried(cropped, categoryMaxRatio);
    if (!isTaken) continue;
    if (!random.chance(flipProbability)) return { steps, labels: cropped };
    const flipped: GeometricStep[] = [...steps, { kind: 'flip' }];
    return { steps: flipped, labels: transformLabels(labels, gridOf(labels, flipped)) };
  }
}

/** Whether there are several classes and the most frequent one has less than `maxRatio` of the labeled pixels. */
export function isVaried({ data }: LabelMap, maxRatio: number): boolean {
  const counts = new Uint32Array(256);
  for (let i = 0; i < data.length; i++) counts[data[i]]++;
  counts[IGNORED_LABEL] = 0;
  const numClasses = counts.filter((n) => n > 0).length;
  const total = counts.reduce((sum, n) => sum + n, 0);
  return numClasses > 1 && Math.max(...counts) / total < maxRatio;
}
