import { boxOf, type CocoTables } from '../../io/coco/annotations.js';
import type { ProblemKind } from '../problems.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';

/** Smallest side in pixels of training images. */
export const MIN_IMAGE_SIDE_PX = 32;

type Records = Pick<CocoTables, 'annotations' | 'images'>;

/**
 * Reason why training skips an annotation; undefined if it is used. The same rules apply to crowds.
 *
 * @param row of the annotations
 * @param image index of its image
 * @see https://github.com/open-mmlab/mmdetection/blob/cfd5d3a/mmdet/datasets/coco.py#L87-L125
 */
export function skipReason(records: Records, row: number, image: number): ProblemKind | undefined {
  const { annotations, images } = records;
  if (annotations.ignores[row] === 1) return PROBLEMS.ignored;
  const [x, y, width, height] = boxOf(records, row);
  const overlapX = Math.min(x + width, images.widths[image]) - Math.max(x, 0);
  const overlapY = Math.min(y + height, images.heights[image]) - Math.max(y, 0);
  if (overlapX <= 0 || overlapY <= 0) {
    // A box without area also has no overlap, but the size is the actual problem.
    return width <= 0 || height <= 0 ? PROBLEMS.boxSmall : PROBLEMS.boxOutside;
  }
  if (annotations.areas[row] <= 0) return PROBLEMS.areaNotPositive;
  if (width < 1 || height < 1) return PROBLEMS.boxSmall;
  return undefined;
}

/** {@link skipReason} that also names crowds, which are no objects to learn. */
export function reasonToSkip(
  records: Records,
  row: number,
  image: number,
): ProblemKind | undefined {
  return records.annotations.crowds[row] === 1 ? PROBLEMS.crowd : skipReason(records, row, image);
}
