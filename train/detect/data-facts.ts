import type { Size } from '../../core/boxes.js';
import type { XywhBox } from '../../core/rle.js';
import { median } from '../../core/statistics.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import type { DetectionConfig } from '../config/detect.js';
import { counted, type DataFacts } from '../data-facts.js';
import { anchorOverlap } from './anchor-overlap.js';
import { learnedImages, objectsAt, sideOf } from './learned-objects.js';

/** Median side of objects in pixels of the input, below which a detector hardly finds any. */
const TINY_PX = 8;
/** AP that no detector has by chance: with shifted labels it was below 0.001 after a tenth of a run, with right ones 0.02. */
const LEARNED_AP = 0.01;
/** Overlap from which an anchor fits an object. */
const FITTING_IOU = 0.5;
/** Fraction of a box outside of its picture from which its label is taken to be shifted. */
const OUTSIDE = 0.2;
/** Fractions of the objects, and of the images, from which a fact is a concern. */
const FEW_FITTING = 0.5;
const MANY_OUTSIDE = 0.1;
const MANY_EMPTY = 0.9;

/** Counts images and objects of a detection set, and how the anchors fit the boxes as resized. */
export function detectionFacts(set: CocoSet, config: DetectionConfig): DataFacts {
  const images = learnedImages(set, config.keepEmpty);
  const { anchors } = config.detector.rpn;
  const objects = objectsAt(images, config.evaluation.limits);
  const numObjects = objects.length;
  const fitting = objects.filter((object) => anchorOverlap(object, anchors) >= FITTING_IOU);
  const outside = images.flatMap(({ boxes, size }) =>
    boxes.filter((box) => outsideFraction(box, size) > OUTSIDE),
  );
  const numOutside = outside.length;
  const numEmpty = images.filter(({ boxes }) => boxes.length === 0).length;
  const numClasses = set.classes.names.length;
  const fit = fitting.length / Math.max(numObjects, 1);
  const side = Math.round(median(objects.map(sideOf)));
  return {
    counts: `${counted(images.length, 'image')}, ${counted(numObjects, 'object')} of ${counted(numClasses, 'class', 'classes')}`,
    learnedFrom: LEARNED_AP,
    fit: numObjects > 0 ? `anchors fit ${percent(fit)} of the objects` : undefined,
    concerns: [
      ...(numObjects === 0 ? ['no object is left to be learned'] : []),
      ...(numOutside > MANY_OUTSIDE * (numOutside + numObjects)
        ? [
            `${counted(numOutside, 'box reaches', 'boxes reach')} out of the picture: labels that are shifted, or of images of another size`,
          ]
        : []),
      ...(side < TINY_PX
        ? [
            `objects of ${side} px (median) at this input size: a larger input, --set evaluation.limits.short=… and training.scales alike, or cut the images in parts`,
          ]
        : []),
      ...(numObjects > 0 && fit < FEW_FITTING
        ? [
            `nothing matches: anchors fit only ${percent(fit)} of the objects, whose median side is ${side} px at this input size; --set detector.rpn.anchors.scale=…, the side on the finest level in units of ${anchors.strides[0]} px`,
          ]
        : []),
      ...(numEmpty > MANY_EMPTY * images.length
        ? [`${counted(numEmpty, 'image has', 'images have')} no object: --set keepEmpty=false`]
        : []),
    ],
  };
}

const percent = (fraction: number): string => `${Math.round(100 * fraction)} %`;

/** Fraction of a box (x, y, width, height) outside of its image. */
function outsideFraction([x, y, w, h]: XywhBox, { width, height }: Size): number {
  const inside = (from: number, length: number, end: number): number =>
    Math.max(0, Math.min(from + length, end) - Math.max(from, 0));
  return w > 0 && h > 0 ? 1 - (inside(x, w, width) * inside(y, h, height)) / (w * h) : 0;
}
