import { ExportError } from '../../core/errors.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import type { OutputDifference } from './compare.js';

/** Fraction of our detections that may be missing in the file's, because ties and scores at the threshold may differ. */
const MAY_MISS = 0.05;
const SCORE_TOLERANCE = 1e-3;
/** Relative to the largest coordinate. */
const BOX_TOLERANCE = 5e-4;
const MASK_TOLERANCE = 1e-2;

/**
 * Compares the detections of a file with ours. They are matched by class, score and box, not by position, because nearly
 * equal scores may have another order.
 *
 * @param found the file's outputs; rows beyond `count` are padding
 * @param expected ours, by the same names
 * @returns differences of matched detections, `count` being the number that differs
 * @throws WorkError if more than one in twenty has no counterpart, or a mask differs
 */
export function compareDetections(
  found: HostTensors,
  expected: HostTensors,
): readonly OutputDifference[] {
  const count = found['count'].data[0];
  const ours = expected['scores'].data.length;
  const maskSize = ours === 0 ? 0 : (expected['masks']?.data.length ?? 0) / ours;
  const largest = Math.max(1, ...expected['boxes'].data);
  const worst = { scores: 0, boxes: 0, masks: 0 };
  const taken = new Set<number>();
  for (let d = 0; d < ours; d++) {
    let best: { readonly row: number; readonly score: number; readonly box: number } | undefined;
    for (let row = 0; row < count; row++) {
      if (taken.has(row) || found['classes'].data[row] !== expected['classes'].data[d]) continue;
      const score = Math.abs(found['scores'].data[row] - expected['scores'].data[d]);
      const box = difference(found['boxes'].data, row, expected['boxes'].data, d, 4);
      const fits = score <= SCORE_TOLERANCE && box <= BOX_TOLERANCE * largest;
      if (fits && (!best || box < best.box)) best = { row, score, box };
    }
    if (!best) continue;
    taken.add(best.row);
    worst.scores = Math.max(worst.scores, best.score);
    worst.boxes = Math.max(worst.boxes, best.box);
    if (maskSize > 0) {
      const mask = difference(found['masks'].data, best.row, expected['masks'].data, d, maskSize);
      worst.masks = Math.max(worst.masks, mask);
    }
  }
  const numMissing = Math.max(ours, count) - taken.size;
  if (numMissing > MAY_MISS * Math.max(ours, count, 1))
    throw new ExportError(
      `export: expected the ${ours} detections that this library finds, got ${count}, of which ${taken.size} are the same`,
    );
  if (!(worst.masks <= MASK_TOLERANCE))
    throw new ExportError(`export: expected equal masks, got a difference of ${worst.masks}`);
  const line = (name: string, maxAbsDifference: number, maxAbs: number): OutputDifference => ({
    name,
    count: taken.size,
    maxAbs,
    maxAbsDifference,
  });
  return [
    line('count', numMissing, ours),
    line('scores', worst.scores, 1),
    line('boxes', worst.boxes, largest),
    ...(maskSize > 0 ? [line('masks', worst.masks, 1)] : []),
  ];
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
