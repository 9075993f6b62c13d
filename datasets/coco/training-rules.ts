import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';

/** Images with a shorter side are not trained on. */
export const MIN_IMAGE_SIDE_PX = 32;

/** Why an annotation is not trained on. */
export type SkipReason =
  | typeof PROBLEMS.ignored
  | typeof PROBLEMS.boxOutside
  | typeof PROBLEMS.areaNotPositive
  | typeof PROBLEMS.boxSmall;

/** What decides whether an annotation is trained on. */
export interface AnnotationFacts {
  readonly ignore: boolean;
  /** x, y, width, height in pixels. */
  readonly box: readonly [number, number, number, number];
  readonly areaPx: number;
  readonly imageWidth: number;
  readonly imageHeight: number;
}

/**
 * Why training leaves an annotation out; nothing if it is used. Crowds are judged by the same rules before they go to
 * the ignored regions.
 *
 * @see https://github.com/open-mmlab/mmdetection/blob/cfd5d3a/mmdet/datasets/coco.py#L87-L125
 */
export function skipReason(facts: AnnotationFacts): SkipReason | undefined {
  if (facts.ignore) return PROBLEMS.ignored;
  const [x, y, width, height] = facts.box;
  const overlapX = Math.min(x + width, facts.imageWidth) - Math.max(x, 0);
  const overlapY = Math.min(y + height, facts.imageHeight) - Math.max(y, 0);
  if (overlapX <= 0 || overlapY <= 0) {
    // A box without a side overlaps nothing, but it is its size that is wrong.
    return width <= 0 || height <= 0 ? PROBLEMS.boxSmall : PROBLEMS.boxOutside;
  }
  if (facts.areaPx <= 0) return PROBLEMS.areaNotPositive;
  if (width < 1 || height < 1) return PROBLEMS.boxSmall;
  return undefined;
}
