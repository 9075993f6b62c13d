import { baseAnchors, type AnchorConfig } from '../../core/anchors.js';
import type { Size } from '../../core/boxes.js';
import { median } from '../../core/statistics.js';
import { boxOf, rowsOf, trainableImages } from '../../datasets/coco/samples.js';
import { skipReason } from '../../datasets/coco/training-rules.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { keepRatioSize } from '../../datasets/transforms/keep-ratio.js';
import type { DetectionConfig } from '../config/detect.js';
import { counted, type DataFacts } from '../data-facts.js';

/** Median side of objects in pixels of the input, below which a detector hardly finds any. */
const TINY_PX = 8;
/** AP that no detector has by chance: with shifted labels it was below 0.001 after a tenth of a run, with right ones 0.02. */
const LEARNT_AP = 0.01;
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
  const images = trainableImages(set, config.keepEmpty);
  const { limits } = config.evaluation;
  const { anchors } = config.detector.rpn;
  const sides: number[] = [];
  let [numObjects, numFitted, numOutside, numEmpty] = [0, 0, 0, 0];
  for (const i of images) {
    const size = { width: set.images.widths[i], height: set.images.heights[i] };
    const input = keepRatioSize(size, limits);
    let inImage = 0;
    for (const row of rowsOf(set, i)) {
      const { annotations } = set;
      if (set.classIndices[row] < 0 || annotations.crowds[row] || annotations.ignores[row])
        continue;
      const box = boxOf(set, row);
      if (outsideShare(box, size) > OUTSIDE) numOutside++;
      inImage++;
      const facts = { ignore: false, box, areaPx: annotations.areas[row] };
      if (skipReason({ ...facts, imageWidth: size.width, imageHeight: size.height })) continue;
      numObjects++;
      const scale = { x: input.width / size.width, y: input.height / size.height };
      const [x, y, w, h] = box;
      const resized = [x * scale.x, y * scale.y, w * scale.x, h * scale.y] as const;
      sides.push(Math.sqrt(resized[2] * resized[3]));
      if (anchorOverlap(resized, anchors, input) >= FITTING_IOU) numFitted++;
    }
    if (inImage === 0) numEmpty++;
  }
  const numClasses = set.classes.names.length;
  const fit = numFitted / Math.max(numObjects, 1);
  const side = Math.round(median(sides));
  return {
    counts: `${counted(images.length, 'image')}, ${counted(numObjects, 'object')} of ${counted(numClasses, 'class', 'classes')}`,
    learntFrom: LEARNT_AP,
    fit: numObjects > 0 ? `anchors fit ${percent(fit)} of the objects` : undefined,
    concerns: [
      ...(numObjects === 0 ? ['no object is left to be learnt'] : []),
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

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Fraction of a box (x, y, width, height) outside of its image. */
function outsideShare(
  [x, y, w, h]: readonly [number, number, number, number],
  { width, height }: Size,
): number {
  const inside = (from: number, length: number, end: number): number =>
    Math.max(0, Math.min(from + length, end) - Math.max(from, 0));
  return w > 0 && h > 0 ? 1 - (inside(x, w, width) * inside(y, h, height)) / (w * h) : 0;
}

/** Largest IoU of a box (x, y, width, height) with an anchor of any level: that of the nearest cell. */
function anchorOverlap(
  [x, y, w, h]: readonly [number, number, number, number],
  config: AnchorConfig,
  input: Size,
): number {
  let best = 0;
  for (const stride of config.strides) {
    const base = baseAnchors(stride, config);
    const nearest = (center: number, side: number): number =>
      stride * Math.max(0, Math.min(Math.ceil(side / stride) - 1, Math.round(center / stride)));
    const [cx, cy] = [nearest(x + w / 2, input.width), nearest(y + h / 2, input.height)];
    for (let b = 0; b < base.length; b += 4) {
      const [left, top] = [cx + base[b], cy + base[b + 1]];
      const [right, bottom] = [cx + base[b + 2], cy + base[b + 3]];
      const both =
        Math.max(0, Math.min(right, x + w) - Math.max(left, x)) *
        Math.max(0, Math.min(bottom, y + h) - Math.max(top, y));
      best = Math.max(best, both / (w * h + (right - left) * (bottom - top) - both));
    }
  }
  return best;
}
