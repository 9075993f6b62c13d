import { numBoxes, type Boxes } from './boxes.js';

/** Regions of an image in which objects are not annotated one by one: crowds, and objects marked as difficult. */
export interface IgnoredRegions {
  /** `[I, 4]` */
  readonly boxes: Boxes;
  /** Fraction of a box inside a region above which it is neither positive nor negative, 0–1. */
  readonly largestCover: number;
}

/**
 * Marks the boxes that ignored regions do not cover, for `matchBoxes`.
 *
 * mmdetection also ignores such boxes (`ignore_iof_thr`), except in images without objects, where it takes all as negatives.
 *
 * @param boxes `[M, 4]`
 * @param include `uint8 [M]`: boxes with 0 stay excluded; default: all are included
 * @returns `uint8 [M]`: 1 for boxes that take part; `include` itself without regions
 * @throws ShapeError unless both are lists of boxes
 * @see https://github.com/open-mmlab/mmdetection/blob/v2.11.0/mmdet/core/bbox/assigners/max_iou_assigner.py
 */
export function outsideRegions(
  boxes: Boxes,
  regions: IgnoredRegions | undefined,
  include?: Uint8Array,
): Uint8Array | undefined {
  const M = numBoxes('outsideRegions', boxes);
  const numRegions = regions ? numBoxes('outsideRegions', regions.boxes) : 0;
  if (!regions || numRegions === 0) return include;
  const kept = include?.slice() ?? new Uint8Array(M).fill(1);
  for (let i = 0; i < M; i++)
    for (let r = 0; r < numRegions && kept[i] === 1; r++)
      if (coverOf(boxes, 4 * i, regions.boxes, 4 * r) > regions.largestCover) kept[i] = 0;
  return kept;
}

/** Fraction of the box at `b` that the region at `r` covers; 0 for a box without area. */
function coverOf(boxes: Boxes, b: number, regions: Boxes, r: number): number {
  const width = Math.min(boxes[b + 2], regions[r + 2]) - Math.max(boxes[b], regions[r]);
  const height = Math.min(boxes[b + 3], regions[r + 3]) - Math.max(boxes[b + 1], regions[r + 1]);
  if (!(width > 0 && height > 0)) return 0;
  return (width * height) / ((boxes[b + 2] - boxes[b]) * (boxes[b + 3] - boxes[b + 1]));
}
