import { numBoxes, type Boxes } from './boxes.js';

/** Detections of an image, highest score first. */
interface Ranked {
  /** `[D, 4]` */
  readonly boxes: Boxes;
  /** `int32 [D]` */
  readonly classIndices: Int32Array;
}

/**
 * Suppresses detections that overlap a better one of another class: two classes for one object. Detections of one class do
 * not suppress each other; that is the task of `multiclassNms`.
 *
 * @param iouThreshold a detection is dropped if its IoU with a kept one of another class is greater; 0–1
 * @returns `int32`, rows of the kept detections, highest score first
 */
export function suppressAcrossClasses(
  { boxes, classIndices }: Ranked,
  iouThreshold: number,
): Int32Array {
  const numRows = numBoxes('suppressAcrossClasses', boxes);
  const kept: number[] = [];
  for (let d = 0; d < numRows; d++) {
    const isOther = (k: number): boolean => classIndices[k] !== classIndices[d];
    if (!kept.some((k) => isOther(k) && pairIou(boxes, d, k) > iouThreshold)) kept.push(d);
  }
  return Int32Array.from(kept);
}

/** IoU of two rows; 0 for boxes without area. */
function pairIou(boxes: Boxes, i: number, j: number): number {
  const [a, b] = [4 * i, 4 * j];
  const width = Math.min(boxes[a + 2], boxes[b + 2]) - Math.max(boxes[a], boxes[b]);
  const height = Math.min(boxes[a + 3], boxes[b + 3]) - Math.max(boxes[a + 1], boxes[b + 1]);
  if (!(width > 0 && height > 0)) return 0;
  const area = (at: number): number =>
    (boxes[at + 2] - boxes[at]) * (boxes[at + 3] - boxes[at + 1]);
  const both = width * height;
  return both / (area(a) + area(b) - both);
}
