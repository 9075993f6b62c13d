import {
  ERROR_KINDS,
  type ErrorBreakdown,
  type ErrorKind,
} from '../../evaluation/coco/error-breakdown.js';
import { CocoDetectionsBuilder, type CocoDetections } from '../../evaluation/coco/objects.js';
import type { DetectedImage } from './drawing.js';

/** Names of the kinds of errors for tables. */
export const ERROR_NAMES: Readonly<Record<ErrorKind, string>> = {
  localisation: 'right category, box too far off',
  classification: 'right box, wrong category',
  duplicate: 'object found twice',
  background: 'nothing there',
  both: 'wrong category and box too far off',
  missed: 'object not found',
};

/** Names of the kinds in a sentence (`most is lost to …`), and the remedies. */
const REMEDIES: Readonly<Record<ErrorKind, readonly [lostTo: string, advice: string]>> = {
  localisation: ['boxes that are too far off', 'train longer or at a larger size'],
  classification: [
    'wrong categories',
    'add images of the categories that are taken for each other (confusion matrix of the report), or join them',
  ],
  duplicate: [
    'objects that are found twice',
    'suppress overlapping boxes more (suppression of evaluation.thresholds)',
  ],
  background: [
    'detections where nothing is annotated',
    'look whether objects there lack an annotation, then add images of such places without objects',
  ],
  both: [
    'boxes that are too far off and of a wrong category',
    'train longer, and look whether the annotations are right',
  ],
  missed: [
    'objects that are not found',
    'add images of such objects; if they are small, train at a larger size',
  ],
};

/** Smallest AP50 of a detector that has learned; below, single kinds of errors say little. */
const LEARNED_AP = 0.05;

/** The error that costs most, and what to do. */
interface CostliestError {
  /** Undefined if no kind of error costs AP. */
  readonly kind: ErrorKind | undefined;
  /** `most is lost to boxes that are too far off (18.0 points)` */
  readonly loss: string;
  /** Advice for the next run. */
  readonly advice: string;
}

/** Finds the kind of error that costs most AP50. Of equal ones, the first counts. */
export function costliestError({ AP, gains }: ErrorBreakdown): CostliestError {
  const kind = ERROR_KINDS.reduce((most, other) => (gains[other] > gains[most] ? other : most));
  if (AP === 1)
    return {
      kind: undefined,
      loss: 'no error costs any of it',
      advice: 'try it on images of other places and times',
    };
  if (!(gains[kind] > 0)) return { kind: undefined, ...UNLEARNED };
  if (AP < LEARNED_AP) return { kind, ...UNLEARNED };
  const [lostTo, advice] = REMEDIES[kind];
  const points = (100 * gains[kind]).toFixed(1);
  return { kind, loss: `most is lost to ${lostTo} (${points} points)`, advice };
}

const UNLEARNED = {
  loss: 'it has learned little yet',
  advice: 'train longer, from pretrained weights, and look at the annotations with data browse',
};

/** Boxes of all images as one list. @param categoryIds by class index */
export function boxDetections(
  answers: readonly DetectedImage[],
  categoryIds: readonly number[],
): CocoDetections {
  const builder = new CocoDetectionsBuilder();
  for (const { sample, result } of answers)
    for (const { classIndex, score, box } of result.objects)
      builder.add({ imageId: sample.imageId, categoryId: categoryIds[classIndex], score, box });
  return builder.build();
}
