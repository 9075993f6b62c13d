import * as rule from '../core/options.js';
import {
  assertResult,
  segmentsOf,
  type CompressedMask,
  type ImageResult,
} from '../core/results.js';
import type { XywhBox } from '../core/rle.js';

/** A record of COCO's result files; the fields depend on the task. */
export interface CocoResultRow {
  readonly image_id: number;
  readonly category_id: number;
  /** x, y, width, height in pixels. */
  readonly bbox?: XywhBox;
  /** 0–1; 1 for segmentation, which has no scores. */
  readonly score: number;
  readonly segmentation?: CompressedMask;
}

/** Options of {@link toCoco}. */
export interface ToCocoOptions {
  /** Default 0. */
  readonly imageId?: number | undefined;
  /** Category ids by class index; default: those of the result, or 1, 2, … for classification and segmentation. */
  readonly categoryIds?: readonly number[] | undefined;
}

const RULES: rule.OptionRules<ToCocoOptions> = {
  imageId: rule.ruled('a whole number', Number.isSafeInteger),
  categoryIds: rule.ruled(
    'a list of whole numbers',
    (value) => Array.isArray(value) && value.every(Number.isSafeInteger),
  ),
};

/**
 * Converts a result to records of a COCO result file: one per object or class; masks are compressed run lengths.
 *
 * @example
 *   ```ts
 *   const model = await loadModel('RUN');
 *   const rows = toCoco(await model.predict('photo.jpg'), { imageId: 7 });
 *   console.log(JSON.stringify(rows)); // [{ image_id: 7, category_id, bbox, score, segmentation }, …]
 *   await model.release();
 *   ```
 */
export function toCoco(result: ImageResult, options: ToCocoOptions = {}): readonly CocoResultRow[] {
  assertResult('toCoco', result);
  rule.assertOptions('toCoco', options, RULES);
  const { imageId = 0, categoryIds } = options;
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
