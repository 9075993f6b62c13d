import { rleToString } from '../../core/rle-string.js';
import type { Prediction } from '../../models/detector-predictor.js';

/** A detection as COCO's result files hold it. */
export interface CocoResultRow {
  readonly image_id: number;
  readonly category_id: number;
  /** x, y, width, height in pixels. */
  readonly bbox: readonly [number, number, number, number];
  readonly score: number;
  readonly segmentation?: { readonly size: readonly [number, number]; readonly counts: string };
}

/** x, y, width, height of a detection, pixels of the original image. */
export function predictedBox(
  { boxes }: Pick<Prediction, 'boxes'>,
  d: number,
): [number, number, number, number] {
  const [x1, y1, x2, y2] = boxes.subarray(4 * d, 4 * d + 4);
  return [x1, y1, x2 - x1, y2 - y1];
}

/**
 * The detections of an image as rows of a COCO result file; masks are compressed run lengths.
 *
 * @param categoryIds by class index
 */
export function cocoResultRows(
  prediction: Prediction,
  imageId: number,
  categoryIds: readonly number[],
): readonly CocoResultRow[] {
  const { scores, classIndices, masks } = prediction;
  return Array.from(scores, (score, d) => ({
    image_id: imageId,
    category_id: categoryIds[classIndices[d]],
    bbox: predictedBox(prediction, d),
    score,
    ...(masks.length > 0
      ? {
          segmentation: {
            size: [masks[d].height, masks[d].width] as const,
            counts: rleToString(masks[d]),
          },
        }
      : {}),
  }));
}
