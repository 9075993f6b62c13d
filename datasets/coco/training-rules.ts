import type { ProblemKind } from '../problems.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';

/** Smallest side in pixels of training images. */
export const MIN_IMAGE_SIDE_PX = 32;

/** Fields that decide whether an annotation is used in training. */
interface AnnotationFacts {
  readonly ignore: boolean;
  /** x, y, width, height in pixels. */
  readonly box: readonly [number, number, number, number];
  readonly areaPx: number;
  readonly imageWidth: number;
  readonly imageHeight: number;
}

/**
 * Reason why training skips an annotation; undefined if it is used. The same rules apply to crowds.
 *
 * @see https://github.com/open-mmlab/mmdetection/blob/cfd5d3a/mmdet/datasets/coco.py#L87-L125
 */
export function skipReason(facts: AnnotationFacts): ProblemKind | undefined {
  if (facts.ignore) return PROBLEMS.ignored;
  const [x, y, width, height] = facts.box;
  const overlapX = Math.min(x + width, facts.imageWidth) - Math.max(x, 0);
  const overlapY = Math.min(y + height, facts.imageHeight) - Math.max(y, 0);
  if (overlapX <= 0 || overlapY <= 0) {
    // A box without area also has no overlap, but the size is the actual problem.
    return width <= 0 || height <= 0 ? PROBLEMS.boxSmall : PROBLEMS.boxOutside;
  }
  if (facts.areaPx <= 0) return PROBLEMS.areaNotPositive;
  if (width < 1 || height < 1) return PROBLEMS.boxSmall;
  return undefined;
}
