import { segmentsOf, type CompressedMask, type ImageResult } from '../core/results.js';
import type { XywhBox } from '../core/rle.js';

/** A line of COCO's result files; which fields there are depends on the task. */
export interface CocoResultRow {
  readonly image_id: number;
  readonly category_id: number;
  /** x, y, width, height in pixels. */
  readonly bbox?: XywhBox;
  /** 0–1; 1 for the class of pixels, which has none. */
  readonly score: number;
  readonly segmentation?: CompressedMask;
}

/** How {@link toCoco} names things. */
export interface ToCocoOptions {
  /** Default 0. */
  readonly imageId?: number | undefined;
  /** By class index; default those of the result, or 1, 2, … for classes and pixels. */
  readonly categoryIds?: readonly number[] | undefined;
}

/** A result as rows of a COCO result file: one an object, or one a class; masks are compressed run lengths. */
export function toCoco(
  result: ImageResult,
  { imageId = 0, categoryIds }: ToCocoOptions = {},
): readonly CocoResultRow[] {
  const idOf = (classIndex: number, own = classIndex + 1): number =>
    categoryIds?.[classIndex] ?? own;
  switch (result.task) {
    case 'classify':
      return result.classes.map(({ classIndex, probability }) => ({
        image_id: imageId,
        category_id: idOf(classIndex),
        score: probability,
      }));
    case 'detect':
      return result.objects.map(({ classIndex, categoryId, box, score, mask }) => ({
        image_id: imageId,
        category_id: idOf(classIndex, categoryId),
        bbox: box,
        score,
        ...(mask && { segmentation: mask }),
      }));
    case 'segment':
      return segmentsOf(result).map(({ classIndex, mask }) => ({
        image_id: imageId,
        category_id: idOf(classIndex),
        score: 1,
        segmentation: mask,
      }));
    default:
      return result satisfies never;
  }
}
