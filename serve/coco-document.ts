import type { CompressedMask, ResultJson } from '../core/results.js';
import { expandMask } from '../core/results.js';
import { rleArea, rleBox } from '../core/rle.js';
import { cocoImage, type CocoCategoryRow, type CocoImageRow } from '../io/coco/write.js';
import { toCoco, type CocoResultRow } from '../inference/to-coco.js';

/** A document like COCO's annotation files, whose annotations have scores. */
export interface CocoDocument {
  readonly images: readonly CocoImageRow[];
  readonly categories: readonly CocoCategoryRow[];
  /** With the fields of result files, so that the list alone is such a file. */
  readonly annotations: readonly (CocoResultRow & {
    readonly id: number;
    readonly area?: number;
    readonly iscrowd: 0;
  })[];
}

/** Builds a COCO document of results; the ids of images and annotations count from 1. */
export function cocoDocument(
  results: readonly { readonly name: string; readonly result: ResultJson }[],
  categories: CocoDocument['categories'],
): CocoDocument {
  const rows = results.flatMap(({ result }, i) => rowsOf(result, i + 1, categories));
  return {
    images: results.map(({ name, result }, i) => cocoImage(i + 1, name, result)),
    categories,
    annotations: rows.map((row, i) => ({ id: i + 1, ...row, ...areaOf(row), iscrowd: 0 })),
  };
}

function rowsOf(
  result: ResultJson,
  imageId: number,
  categories: CocoDocument['categories'],
): readonly CocoResultRow[] {
  const categoryIds = categories.map(({ id }) => id);
  if (result.task !== 'segment') return toCoco(result, { imageId, categoryIds });
  return result.segments.map(({ classIndex, mask }) => ({
    image_id: imageId,
    category_id: categoryIds[classIndex],
    score: 1,
    segmentation: mask,
  }));
}

/** Area and box that annotation files need: of the mask, or of the box alone. */
function areaOf({ bbox, segmentation }: CocoResultRow): object {
  if (segmentation) return maskFields(segmentation, bbox);
  return bbox ? { area: bbox[2] * bbox[3] } : {};
}

function maskFields(mask: CompressedMask, bbox: CocoResultRow['bbox']): object {
  const rle = expandMask(mask);
  return { area: rleArea(rle), bbox: bbox ?? rleBox(rle) };
}
