import { gatherBoxes, type Boxes, type Size } from '../../core/boxes.js';
import { suppressAcrossClasses } from '../../core/nms-across-classes.js';
import { compressMask, type DetectResult } from '../../core/results.js';
import type { Rle } from '../../core/rle.js';
import type { DetectorCard } from '../card.js';

/** Detections of one image, highest score first. */
export interface Prediction {
  /** `[D, 4]`, pixels of the original image. */
  readonly boxes: Boxes;
  /** `[D]` */
  readonly scores: Float32Array;
  /** `int32 [D]` */
  readonly classIndices: Int32Array;
  /** One mask per detection, of the original size; empty if the model has no masks. */
  readonly masks: readonly Rle[];
}

/** Choice of detections. */
export interface DetectionChoice {
  /** Smallest score of detections, of all or by class index; default: all are kept. */
  readonly minScore?: number | readonly number[] | undefined;
  /**
   * Largest IoU with a better detection of another class, above which a detection is dropped; default: none is, as in
   * COCO's protocol.
   */
  readonly acrossClassesIou?: number | undefined;
  /** Largest number of detections. */
  readonly max?: number | undefined;
}

/** Selects the rows of detections that are kept, in their order. */
export function keptRows(
  detections: Omit<Prediction, 'masks'>,
  { minScore = 0, acrossClassesIou, max = Infinity }: DetectionChoice,
): Int32Array {
  const distinct =
    acrossClassesIou === undefined
      ? Int32Array.from(detections.scores.keys())
      : suppressAcrossClasses(detections, acrossClassesIou);
  const leastOf = (k: number): number => (typeof minScore === 'number' ? minScore : minScore[k]);
  return distinct
    .filter((d) => detections.scores[d] >= leastOf(detections.classIndices[d]))
    .subarray(0, max);
}

/** Copies rows of detections. */
export function gatherRows(
  { boxes, scores, classIndices }: Omit<Prediction, 'masks'>,
  rows: Int32Array,
): Omit<Prediction, 'masks'> {
  return {
    boxes: gatherBoxes(boxes, rows),
    scores: Float32Array.from(rows, (d) => scores[d]),
    classIndices: rows.map((d) => classIndices[d]),
  };
}

/** Converts detections to objects with the names of the model's classes. */
export function detectResult(
  { boxes, scores, classIndices, masks }: Prediction,
  { classNames, categoryIds }: Pick<DetectorCard, 'classNames' | 'categoryIds'>,
  { width, height }: Size,
): DetectResult {
  const objects = Array.from(scores, (score, d) => {
    const [x1, y1, x2, y2] = boxes.subarray(4 * d, 4 * d + 4);
    const classIndex = classIndices[d];
    return {
      classIndex,
      categoryId: categoryIds[classIndex],
      name: classNames[classIndex],
      score,
      box: [x1, y1, x2 - x1, y2 - y1] as const,
      ...(masks.length > 0 && { mask: compressMask(masks[d]) }),
    };
  });
  return { task: 'detect', width, height, objects };
}
