import { ExportError } from '../../core/errors.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import type { OutputDifference } from './compare.js';

/** Largest differences that are accepted. */
export interface DetectionTolerances {
  /** Fraction of the detections that may be missing, because ties and scores at the threshold may differ. */
  readonly missing: number;
  readonly score: number;
  /** Relative to the largest coordinate. */
  readonly box: number;
  readonly mask: number;
}

/** Tolerances in single precision. */
export const SINGLE: DetectionTolerances = { missing: 0.05, score: 1e-3, box: 5e-4, mask: 1e-2 };

/** Largest differences so far. */
interface Worst {
  matched: number;
  missing: number;
  scores: number;
  boxes: number;
  masks: number;
}

/**
 * Compares the detections of a file with ours. They are matched by class, score and box, not by position, because nearly
 * equal scores may have another order.
 *
 * @param actual the file's outputs; rows of an image beyond `count` are padding
 * @param expected ours, by the same names
 * @returns differences of matched detections, `count` being the number that differs
 * @throws ExportError if more have no counterpart than tolerated, or a mask differs
 */
export function compareDetections(
  actual: HostTensors,
  expected: HostTensors,
  tolerances: DetectionTolerances = SINGLE,
): readonly OutputDifference[] {
  const worst: Worst = { matched: 0, missing: 0, scores: 0, boxes: 0, masks: 0 };
  const N = expected['count'].data.length;
  for (let n = 0; n < N; n++)
    compareImage(imageOf(actual, n, N), imageOf(expected, n, N), tolerances, worst);
  const ours = Array.from(expected['count'].data).reduce((sum, count) => sum + count, 0);
  const largest = largestOf(expected);
  const line = (name: string, maxAbsDifference: number, maxAbs: number): OutputDifference => ({
    name,
    count: worst.matched,
    maxAbs,
    maxAbsDifference,
  });
  return [
    line('count', worst.missing, ours),
    line('scores', worst.scores, 1),
    line('boxes', worst.boxes, largest),
    ...(expected['masks'] === undefined || ours === 0 ? [] : [line('masks', worst.masks, 1)]),
  ];
}

/** Detections of one image of a batch. */
interface ImageDetections {
  readonly count: number;
  readonly scores: ArrayLike<number>;
  readonly classes: ArrayLike<number>;
  readonly boxes: ArrayLike<number>;
  readonly masks: ArrayLike<number>;
  readonly maskSize: number;
}

function imageOf(outputs: HostTensors, n: number, N: number): ImageDetections {
  const part = (name: string): ArrayLike<number> => {
    const data = outputs[name]?.data ?? new Float32Array();
    const size = data.length / N;
    return data.subarray(n * size, (n + 1) * size);
  };
  const [scores, masks] = [part('scores'), part('masks')];
  const maskSize = masks.length / Math.max(scores.length, 1);
  const count = outputs['count'].data[n];
  return { count, scores, classes: part('classes'), boxes: part('boxes'), masks, maskSize };
}

const largestOf = (outputs: HostTensors): number =>
  (outputs['boxes'].data as Float32Array).reduce((most, value) => Math.max(most, value), 1);

function compareImage(
  actual: ImageDetections,
  expected: ImageDetections,
  tolerances: DetectionTolerances,
  worst: Worst,
): void {
  const { count } = actual;
  const ours = expected.count;
  const { maskSize } = expected;
  let largest = 1;
  for (let i = 0; i < 4 * ours; i++) largest = Math.max(largest, expected.boxes[i]);
  const taken = new Set<number>();
  for (let d = 0; d < ours; d++) {
    let best: { readonly row: number; readonly score: number; readonly box: number } | undefined;
    for (let row = 0; row < count; row++) {
      if (taken.has(row) || actual.classes[row] !== expected.classes[d]) continue;
      const score = Math.abs(actual.scores[row] - expected.scores[d]);
      const box = difference(actual.boxes, row, expected.boxes, d, 4);
      const fits = score <= tolerances.score && box <= tolerances.box * largest;
      if (fits && (!best || box < best.box)) best = { row, score, box };
    }
    if (!best) continue;
    taken.add(best.row);
    worst.scores = Math.max(worst.scores, best.score);
    worst.boxes = Math.max(worst.boxes, best.box);
    if (maskSize > 0) {
      const mask = difference(actual.masks, best.row, expected.masks, d, maskSize);
      worst.masks = Math.max(worst.masks, mask);
    }
  }
  const numMissing = Math.max(ours, count) - taken.size;
  worst.matched += taken.size;
  worst.missing += numMissing;
  if (numMissing > tolerances.missing * Math.max(ours, count, 1))
    throw new ExportError(
      `export: expected the ${ours} detections that this library finds, got ${count}, of which ${taken.size} are the same`,
    );
  if (!(worst.masks <= tolerances.mask))
    throw new ExportError(`export: expected equal masks, got a difference of ${worst.masks}`);
}

/** Largest difference between a row of one table and a row of another. */
function difference(
  a: ArrayLike<number>,
  rowA: number,
  b: ArrayLike<number>,
  rowB: number,
  width: number,
): number {
  let most = 0;
  for (let i = 0; i < width; i++)
    most = Math.max(most, Math.abs(a[rowA * width + i] - b[rowB * width + i]));
  return most;
}
