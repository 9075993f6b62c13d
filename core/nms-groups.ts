import { numBoxes, type Boxes } from './boxes.js';
import { ShapeError } from './errors.js';

/**
 * Moves the boxes of different groups apart: `x + group · (max + 1)` in float32, where `max` is the highest coordinate of
 * all boxes. The original separates groups this way, and the rounding of large shifts affects its results.
 *
 * @param boxes `[M, 4]`, coordinates ≥ 0
 * @param groups `int32 [M]`, ≥ 0: class or pyramid level
 * @returns `[M, 4]`
 * @throws ShapeError unless the lengths fit
 */
export function shiftByGroup(boxes: Boxes, groups: Int32Array): Boxes {
  const M = numBoxes('shiftByGroup', boxes);
  if (groups.length !== M)
    throw new ShapeError(`shiftByGroup: expected ${M} groups, got ${groups.length}`);
  let highest = -Infinity;
  for (let i = 0; i < boxes.length; i++) if (boxes[i] > highest) highest = boxes[i];
  const step = Math.fround(highest + 1);
  const shifted = new Float32Array(boxes.length);
  for (let i = 0, b = 0; i < M; i++, b += 4) {
    const shift = Math.fround(groups[i] * step);
    for (let k = b; k < b + 4; k++) shifted[k] = boxes[k] + shift;
  }
  return shifted;
}

/**
 * Splits ranked indices by group, keeping their order.
 *
 * @param order indices into `groups`
 * @param groups `int32 [M]`, ≥ 0
 * @returns one list per non-empty group, in ascending order of group
 */
export function splitByGroup(order: Int32Array, groups: Int32Array): readonly Int32Array[] {
  let numGroups = 0;
  for (let i = 0; i < order.length; i++) numGroups = Math.max(numGroups, groups[order[i]] + 1);
  const ends = new Int32Array(numGroups + 1);
  for (let i = 0; i < order.length; i++) ends[groups[order[i]] + 1]++;
  for (let g = 0; g < numGroups; g++) ends[g + 1] += ends[g];
  const starts = ends.slice(0, numGroups);
  const next = starts.slice();
  const sorted = new Int32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[next[groups[order[i]]]++] = order[i];
  const lists: Int32Array[] = [];
  for (let g = 0; g < numGroups; g++)
    if (next[g] > starts[g]) lists.push(sorted.subarray(starts[g], next[g]));
  return lists;
}
