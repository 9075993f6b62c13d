import { numBoxes, type Boxes } from './boxes.js';
import { ConfigError, ShapeError } from './errors.js';
import { shiftByGroup, splitByGroup } from './nms-groups.js';
import { topK } from './nms-top-k.js';

/** Options of non-maximum suppression. */
export interface NmsOptions {
  /** A box is suppressed if its IoU with a kept box of higher score is greater than this; 0–1. */
  readonly iouThreshold: number;
  /** Stop after this many boxes; all if left out. */
  readonly maxKept?: number | undefined;
}

/**
 * Non-maximum suppression within groups: highest score first, ties by index; IoU in float32, strictly greater than the
 * threshold. Boxes of different groups don't suppress each other; groups are separated in float32 as in the original, see
 * `shiftByGroup`.
 *
 * @param boxes `[M, 4]`, coordinates ≥ 0
 * @param scores `[M]`
 * @param groups `int32 [M]`, ≥ 0: class or pyramid level
 * @returns `int32`, indices of the kept boxes of all groups, highest score first
 * @throws ShapeError unless the lengths fit; ConfigError for a threshold outside 0–1
 * @see https://github.com/open-mmlab/mmcv/blob/v1.3.0/mmcv/ops/csrc/pytorch/nms.cpp
 */
export function groupedNms(
  boxes: Boxes,
  scores: Float32Array,
  groups: Int32Array,
  options: NmsOptions,
): Int32Array {
  const M = numBoxes('groupedNms', boxes);
  if (scores.length !== M)
    throw new ShapeError(`groupedNms: expected ${M} scores, got ${scores.length}`);
  const { iouThreshold } = options;
  if (!(iouThreshold >= 0 && iouThreshold <= 1))
    throw new ConfigError(
      `groupedNms: expected an iouThreshold of 0 to 1, got ${String(iouThreshold)}`,
    );
  const shifted = shiftByGroup(boxes, groups);
  const order = topK(scores);
  const kept = new Uint8Array(scores.length);
  for (const group of splitByGroup(order, groups)) suppress(shifted, group, options, kept);
  return keptInOrder(order, kept, options.maxKept);
}

function keptInOrder(order: Int32Array, kept: Uint8Array, maxKept = Infinity): Int32Array {
  let count = 0;
  for (let i = 0; i < kept.length; i++) count += kept[i];
  const out = new Int32Array(Math.min(count, maxKept));
  for (let i = 0, at = 0; at < out.length; i++) if (kept[order[i]] === 1) out[at++] = order[i];
  return out;
}

const NUM_COLUMNS = 64;

/**
 * Marks the boxes of `order` that survive. Kept boxes are stored in one linked list per column of centers, and only
 * columns within reach are searched: an IoU above t implies one above t along x alone, so the other box is at most
 * `w / t` wide and its center is nearer than `(1 - t) / 2t · w`.
 */
function suppress(
  boxes: Boxes,
  order: Int32Array,
  { iouThreshold, maxKept = Infinity }: NmsOptions,
  kept: Uint8Array,
): void {
  const f32 = Math.fround;
  const threshold = f32(iouThreshold);
  // A margin of 1 % and one pixel on that bound, because coordinates, areas and IoU are rounded.
  const reach = (1.01 * (1 - iouThreshold)) / (2 * iouThreshold);
  const slackPx = 1;
  const x1s = new Float32Array(order.length);
  const y1s = new Float32Array(order.length);
  const x2s = new Float32Array(order.length);
  const y2s = new Float32Array(order.length);
  const areas = new Float32Array(order.length);
  const nextInColumn = new Int32Array(order.length);
  const firstInColumn = new Int32Array(NUM_COLUMNS).fill(-1);
  const { left, columnsPerPx } = columnGrid(boxes, order);
  let numKept = 0;
  for (let i = 0; i < order.length && numKept < maxKept; i++) {
    const b = 4 * order[i];
    const x1 = boxes[b];
    const y1 = boxes[b + 1];
    const x2 = boxes[b + 2];
    const y2 = boxes[b + 3];
    const area = f32(f32(x2 - x1) * f32(y2 - y1));
    const center = 0.5 * (x1 + x2) - left;
    const radius = reach * (x2 - x1) + slackPx;
    const last = columnOf((center + radius) * columnsPerPx);
    let survives = true;
    search: for (let c = columnOf((center - radius) * columnsPerPx); c <= last; c++) {
      for (let k = firstInColumn[c]; k >= 0; k = nextInColumn[k]) {
        const right = x2 < x2s[k] ? x2 : x2s[k];
        const leftEdge = x1 > x1s[k] ? x1 : x1s[k];
        const bottom = y2 < y2s[k] ? y2 : y2s[k];
        const top = y1 > y1s[k] ? y1 : y1s[k];
        if (!(right > leftEdge && bottom > top)) continue;
        const inter = f32(f32(right - leftEdge) * f32(bottom - top));
        const iou = f32(inter / f32(f32(areas[k] + area) - inter));
        if (iou > threshold) {
          survives = false;
          break search;
        }
      }
    }
    if (!survives) continue;
    kept[order[i]] = 1;
    x1s[numKept] = x1;
    y1s[numKept] = y1;
    x2s[numKept] = x2;
    y2s[numKept] = y2;
    areas[numKept] = area;
    const column = columnOf(center * columnsPerPx);
    nextInColumn[numKept] = firstInColumn[column];
    firstInColumn[column] = numKept++;
  }
}

function columnGrid(
  boxes: Boxes,
  order: Int32Array,
): { readonly left: number; readonly columnsPerPx: number } {
  let left = Infinity;
  let right = -Infinity;
  for (let i = 0; i < order.length; i++) {
    const center = 0.5 * (boxes[4 * order[i]] + boxes[4 * order[i] + 2]);
    if (center < left) left = center;
    if (center > right) right = center;
  }
  return { left, columnsPerPx: right > left ? NUM_COLUMNS / (right - left) : 0 };
}

/** Column of a position. Monotone, so an interval of positions maps to an interval of columns; NaN gives 0. */
function columnOf(position: number): number {
  return position > 0 ? (position < NUM_COLUMNS ? position | 0 : NUM_COLUMNS - 1) : 0;
}
