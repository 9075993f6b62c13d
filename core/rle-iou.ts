import { assertList, assertObject } from './arguments.js';
import { rleArea, rleBox, type Rle } from './rle.js';

/**
 * IoU of every pair of masks, `[D, G]` row-major. For a crowd the divisor is the detection's area instead of the
 * union. Pairs whose boxes do not intersect have 0; masks of different sizes whose boxes intersect have −1.
 *
 * @param iscrowd `[G]`, 0 or 1
 * @see `rleIou`: https://github.com/cocodataset/cocoapi/blob/8c9bcc3/common/maskApi.c
 */
export function rleIou(
  dts: readonly Rle[],
  gts: readonly Rle[],
  iscrowd: ArrayLike<number>,
): Float64Array {
  assertList('rleIou', 'a list of masks', dts);
  assertList('rleIou', 'a list of masks', gts);
  const ious = boxIou(flatBoxes(dts), flatBoxes(gts), iscrowd); // [D, G]
  for (let d = 0, at = 0; d < dts.length; d++) {
    for (let g = 0; g < gts.length; g++, at++) {
      if (ious[at] <= 0) continue;
      const sameSize = dts[d].height === gts[g].height && dts[d].width === gts[g].width;
      ious[at] = sameSize ? runIou(dts[d].counts, gts[g].counts, iscrowd[g] !== 0) : -1;
    }
  }
  return ious;
}

/**
 * IoU of every pair of boxes, `[D, G]` row-major.
 *
 * @param dts `[D, 4]` x, y, width, height
 * @param gts `[G, 4]` likewise
 * @param iscrowd `[G]`, 0 or 1: for a crowd the divisor is the detection's area instead of the union
 */
export function boxIou(
  dts: ArrayLike<number>,
  gts: ArrayLike<number>,
  iscrowd: ArrayLike<number>,
): Float64Array {
  assertObject('boxIou', 'boxes as numbers', dts, 'length');
  assertObject('boxIou', 'boxes as numbers', gts, 'length');
  assertObject('boxIou', 'iscrowd as numbers', iscrowd, 'length');
  const numGts = gts.length / 4;
  const ious = new Float64Array((dts.length / 4) * numGts); // [D, G]
  for (let d = 0, at = 0; d < dts.length; d += 4)
    for (let g = 0; g < numGts; g++, at++)
      ious[at] = iscrowd[g] ? boxPairCover(dts, d, gts, 4 * g) : boxPairIou(dts, d, gts, 4 * g);
  return ious;
}

/** IoU of the box `dts[d … d + 4)` and the box `gts[g … g + 4)`, each x, y, width, height. */
export function boxPairIou(
  dts: ArrayLike<number>,
  d: number,
  gts: ArrayLike<number>,
  g: number,
): number {
  const both = commonArea(dts, d, gts, g);
  return both > 0 ? both / (dts[d + 2] * dts[d + 3] + gts[g + 2] * gts[g + 3] - both) : 0;
}

/** Fraction of the box `dts[d … d + 4)` inside the box `gts[g … g + 4)`: the measure for crowds. */
export function boxPairCover(
  dts: ArrayLike<number>,
  d: number,
  gts: ArrayLike<number>,
  g: number,
): number {
  const both = commonArea(dts, d, gts, g);
  return both > 0 ? both / (dts[d + 2] * dts[d + 3]) : 0;
}

function commonArea(dts: ArrayLike<number>, d: number, gts: ArrayLike<number>, g: number): number {
  const width = Math.min(dts[d] + dts[d + 2], gts[g] + gts[g + 2]) - Math.max(dts[d], gts[g]);
  const height =
    Math.min(dts[d + 1] + dts[d + 3], gts[g + 1] + gts[g + 3]) - Math.max(dts[d + 1], gts[g + 1]);
  return width <= 0 || height <= 0 ? 0 : width * height;
}

/**
 * IoU of two masks of equal size, computed in one pass over both lists of runs. The pass ends where both have a run
 * of length 0 at the same position, as in the reference.
 */
export function runIou(dt: Uint32Array, gt: Uint32Array, crowd: boolean): number {
  let [i, j, both, either] = [1, 1, 0, 0];
  let [leftD, leftG] = [dt.length > 0 ? dt[0] : 0, gt.length > 0 ? gt[0] : 0];
  let [valueD, valueG] = [false, false];
  for (let left = 1; left > 0; left = leftD + leftG) {
    const step = Math.min(leftD, leftG);
    if (valueD || valueG) either += step;
    if (valueD && valueG) both += step;
    leftD -= step;
    leftG -= step;
    if (leftD === 0 && i < dt.length) {
      leftD = dt[i++];
      valueD = !valueD;
    }
    if (leftG === 0 && j < gt.length) {
      leftG = gt[j++];
      valueG = !valueG;
    }
  }
  if (both === 0) return 0;
  return both / (crowd ? rleArea({ counts: dt }) : either);
}

function flatBoxes(rles: readonly Rle[]): Float64Array {
  const boxes = new Float64Array(4 * rles.length); // [N, 4]
  rles.forEach((rle, i) => boxes.set(rleBox(rle), 4 * i));
  return boxes;
}
