import type { Size } from '../../core/boxes.js';
import type { XywhBox } from '../../core/rle.js';
import { rowsOf, trainableImages } from '../../datasets/coco/samples.js';
import { skipReason } from '../../datasets/coco/training-rules.js';
import { boxOf } from '../../io/coco/annotations.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { keepRatioSize, type ScaleLimits } from '../../datasets/transforms/keep-ratio.js';

/** Image that training sees, with the boxes of its objects, crowds aside. */
interface LearnedImage {
  /** Size of the file. */
  readonly size: Size;
  /** In pixels of the file, with those that training skips. */
  readonly boxes: readonly XywhBox[];
  /** In pixels of the file. */
  readonly used: readonly XywhBox[];
}

/** Lists the images that a detector trains on. @param keepEmpty see `DetectionConfig` */
export function learnedImages(set: CocoSet, keepEmpty = false): readonly LearnedImage[] {
  const { images, annotations, classIndices } = set;
  return trainableImages(set, keepEmpty).map((i) => {
    const size = { width: images.widths[i], height: images.heights[i] };
    const rows = rowsOf(set, i).filter(
      (row) => classIndices[row] >= 0 && !annotations.crowds[row] && !annotations.ignores[row],
    );
    const isUsed = (row: number): boolean => skipReason(set, row, i) === undefined;
    const boxes = (chosen: readonly number[]): XywhBox[] => chosen.map((row) => boxOf(set, row));
    return { size, boxes: boxes(rows), used: boxes(rows.filter(isUsed)) };
  });
}

/** Object in pixels of the model input, and the size of the input. */
export interface InputObject {
  readonly box: XywhBox;
  readonly input: Size;
}

/** Computes the objects of images as a detector sees them, resized within limits. */
export function objectsAt(
  images: readonly LearnedImage[],
  limits: ScaleLimits,
): readonly InputObject[] {
  return images.flatMap(({ size, used }) => {
    const input = keepRatioSize(size, limits);
    const [sx, sy] = [input.width / size.width, input.height / size.height];
    return used.map(([x, y, w, h]) => ({ box: [x * sx, y * sy, w * sx, h * sy] as const, input }));
  });
}

/** Side of a square of the same area. */
export const sideOf = ({ box: [, , w, h] }: InputObject): number => Math.sqrt(w * h);
