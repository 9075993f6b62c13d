import type { AnchorConfig } from '../../core/anchors.js';
import { median, quantile, mean } from '../../core/statistics.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { evenly } from '../../datasets/evenly.js';
import type { DetectionConfig } from '../config/detect.js';
import type { Settings } from '../config/layers.js';
import { OBJECT_PRETRAINING, SMALL_OBJECT_PRETRAINING } from '../config/object-pretraining.js';
import { anchorOverlap } from './anchor-overlap.js';
import { learnedImages, objectsAt, sideOf, type InputObject } from './learned-objects.js';

type Stage = DetectionConfig['detector']['stages'][number];

/** Short sides of the input to choose from, in pixels: below the smallest, the coarse levels of the pyramid have too few cells. */
const SHORT_SIDES = [128, 160, 192, 240, 288, 336, 400] as const;
/** Side in pixels that three quarters of the objects keep in a smaller input than the recipe's. */
const LARGE_PX = 80;
/** Median side in pixels up to which the input grows. */
const SMALL_PX = 20;
/** Median side in pixels below which objects are learned from cutouts of their own size. */
const SMALL_CUTOUT_PX = 36;
/** Mean number of objects in an image from which it has enough for a step, and RoIs for them. */
const CROWDED = 8;
const CROWDED_ROIS = 128;
/** Learning rate of steps of one image. */
const SINGLE_LR = 1.5e-3;
/** Ratio of the limits of long and short side, as in the recipe. */
const LONG_SIDE = 5 / 3;
/** Short sides in training, and short side and sides of the crops of every other image, in short sides of the evaluation. */
const JITTER = [0.8, 0.9, 1, 1.1, 1.2] as const;
const CROP = { shortSide: 1.1, sides: [0.9, LONG_SIDE] } as const;
/** Sides of the anchors on the finest level, in strides. */
const ANCHOR_SCALES = [2, 3, 4, 6, 8] as const;
/** Overlap from which an anchor fits an object. */
const FITTING_IOU = 0.5;
/** Mean overlap, and fraction of fitting objects, within which scales are equally good. */
const TOLERANCE = 0.01;
/** Largest number of objects that are looked at. */
const MOST_OBJECTS = 2000;

/**
 * Chooses the size of the input, the anchors and the steps of a detector from scratch by the objects of its training set. Objects that
 * fill their pictures need fewer pixels, so that the same time has more steps; small ones need more, as far as the files have
 * them. One image with many objects is enough for a step, of which the same time then has twice as many.
 *
 * @param isSet whether the user set a value at or below a path, which is then kept
 * @returns settings to merge into the configuration
 */
export function fitDetector(
  set: CocoSet,
  config: DetectionConfig,
  isSet: (path: string) => boolean,
): Settings {
  const { training, detector } = config;
  const { limits } = config.evaluation;
  const images = learnedImages(set, config.keepEmpty);
  const seen = evenly(objectsAt(images, limits), MOST_OBJECTS);
  if (seen.length === 0) return {};
  const isFixed =
    training.kind !== 'multiScale' || isSet('training.scales') || isSet('evaluation.limits');
  const ofFiles = median(images.map(({ size }) => Math.min(size.width, size.height)));
  const short = isFixed ? limits.short : fittingShortSide(seen.map(sideOf), limits.short, ofFiles);
  const isOther = short !== limits.short;
  const { anchors } = detector.rpn;
  const resized = isOther ? evenly(objectsAt(images, limitsOf(short)), MOST_OBJECTS) : seen;
  const scale = isSet('detector.rpn.anchors') ? anchors.scale : fittingScale(resized, anchors);
  const isSmall = median(resized.map(sideOf)) < SMALL_CUTOUT_PX;
  const objectPretraining = isSmall ? SMALL_OBJECT_PRETRAINING : OBJECT_PRETRAINING;
  const counts = images.map(({ used }) => used.length).filter((count) => count > 0);
  const isCrowded = mean(counts) >= CROWDED;
  const hasOwnRois = isCrowded && !isSet('detector.stages');
  const fitted: Settings = {
    ...(scale !== anchors.scale ? { rpn: { anchors: { scale } } } : {}),
    ...(hasOwnRois ? { stages: detector.stages.map(withCrowdedRois) } : {}),
  };
  return {
    ...(isSet('objectPretraining') ? {} : { objectPretraining }),
    ...(isOther ? sizeSettings(short) : {}),
    ...(isCrowded ? stepSettings(isSet) : {}),
    ...(Object.keys(fitted).length > 0 ? { detector: fitted } : {}),
  };
}

/** Steps of one image, unless the user decides about steps. */
const stepSettings = (isSet: (path: string) => boolean): Settings =>
  ['batchSize', 'accumulation', 'lr'].some(isSet) ? {} : { batchSize: 1, lr: SINGLE_LR };

/** A stage of the box head with RoIs for many objects. */
function withCrowdedRois(stage: Stage): Stage {
  const { sampler } = stage;
  return {
    ...stage,
    sampler: { ...sampler, numSamples: Math.max(sampler.numSamples, CROWDED_ROIS) },
  };
}

/**
 * Chooses a short side.
 *
 * @param sides of the objects in pixels at the short side `usual`
 * @param ofFiles short side of the files in pixels
 */
function fittingShortSide(sides: readonly number[], usual: number, ofFiles: number): number {
  const shrunk = SHORT_SIDES.find((short) => (quantile(sides, 0.25) * short) / usual >= LARGE_PX);
  if (shrunk !== undefined && shrunk < usual) return shrunk;
  const wanted = (usual * SMALL_PX) / median(sides);
  const grown = SHORT_SIDES.filter((short) => short > usual && short <= ofFiles);
  if (wanted <= usual) return usual;
  return grown.find((short) => short >= wanted) ?? grown.at(-1) ?? usual;
}

const limitsOf = (short: number): { readonly long: number; readonly short: number } => ({
  long: Math.round(LONG_SIDE * short),
  short,
});

/** Settings of an input with this short side, in training varied by a fifth. */
function sizeSettings(short: number): Settings {
  const times = (factor: number): number => Math.round(factor * short);
  return {
    training: {
      scales: {
        shortSides: JITTER.map(times),
        longSide: times(2),
        crop: { shortSides: [times(CROP.shortSide)], sides: CROP.sides.map(times) },
      },
    },
    evaluation: { limits: limitsOf(short) },
  };
}

/**
 * Chooses the scale of the anchors: of those whose mean overlap with the objects is the best, or nearly, and that fit as many
 * objects as the scale of `anchors`, the largest, since it uses the finest levels, whose closer cells give the most positives.
 */
function fittingScale(objects: readonly InputObject[], anchors: AnchorConfig): number {
  const measured = (scale: number): Overlap => {
    const overlaps = objects.map((object) => anchorOverlap(object, { ...anchors, scale }));
    const fraction = overlaps.filter((iou) => iou >= FITTING_IOU).length / overlaps.length;
    return { scale, fraction, mean: mean(overlaps) };
  };
  const usual = measured(anchors.scale);
  const able = ANCHOR_SCALES.map(measured).filter(
    ({ fraction }) => fraction >= usual.fraction - TOLERANCE,
  );
  const best = Math.max(usual.mean, ...able.map(({ mean }) => mean));
  return able.findLast(({ mean }) => mean >= best - TOLERANCE)?.scale ?? anchors.scale;
}

/** Overlaps of the objects with the anchors of a scale. */
interface Overlap {
  readonly scale: number;
  readonly fraction: number;
  readonly mean: number;
}
