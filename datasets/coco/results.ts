import { rleOfSegmentation, type ReadResult } from '../../core/coco.js';
import { DataError } from '../../core/errors.js';
import type { CocoTables } from '../../io/coco/annotations.js';
import { readResults } from '../../io/coco/results.js';
import type { ProblemLog, ReportProblem } from '../problems.js';
import { COCO_PROBLEMS as PROBLEMS, reportTo } from './problem-kinds.js';

/** Numbers of detections by kind in a result file. */
interface ResultCounts {
  readonly detections: number;
  readonly withBox: number;
  readonly withMask: number;
  readonly withKeypoints: number;
}

/**
 * Checks a result file of any size against the images and categories of the ground truth.
 *
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function checkCocoResults(
  file: string,
  groundTruth: CocoTables,
  log: ProblemLog,
): Promise<ResultCounts> {
  const { images } = groundTruth;
  const imageOf = new Map<number, number>();
  images.ids.forEach((id, i) => imageOf.set(id, i));
  const categories = new Map(groundTruth.categories.map((category) => [category.id, category]));
  const counts = { detections: 0, withBox: 0, withMask: 0, withKeypoints: 0 };
  const numRecords = await readResults(file, {
    fields: () => ['bbox', 'segmentation', 'keypoints'],
    report: reportTo(log),
    record: (result, index) => {
      const report: ReportProblem = (kind, message) =>
        log.add(kind, { file, message: `[${index}]: ${message}` });
      const { bbox, segmentation, keypoints, score } = result;
      const hasBox = bbox !== undefined && bbox.length > 0;
      counts.detections++;
      if (hasBox) counts.withBox++;
      if (segmentation) counts.withMask++;
      if (keypoints) counts.withKeypoints++;
      const image = imageOf.get(result.image_id);
      const category = categories.get(result.category_id);
      if (image === undefined)
        report(PROBLEMS.unknownImage, `expected a known image_id, got ${result.image_id}`);
      if (!category)
        report(PROBLEMS.resultCategory, `expected a known category_id, got ${result.category_id}`);
      if (score < 0 || score > 1)
        report(PROBLEMS.resultScore, `score: expected a number from 0 to 1, got ${score}`);
      if (hasBox && segmentation)
        report(PROBLEMS.resultBoth, 'expected bbox or segmentation, got both');
      if (hasBox && !(bbox[2] > 0 && bbox[3] > 0))
        report(
          PROBLEMS.resultBox,
          `bbox: expected sides above 0, got [${Array.from(bbox).join(', ')}] (x, y, width, height)`,
        );
      if (image !== undefined)
        checkMask(result, images.heights[image], images.widths[image], report);
      const numNames = category?.keypoints?.length;
      if (keypoints && numNames !== undefined && keypoints.length !== 3 * numNames)
        report(
          PROBLEMS.resultKeypoints,
          `keypoints: expected 3 x ${numNames} numbers, got ${keypoints.length}`,
        );
    },
  });
  if (numRecords === 0 && !log.has(PROBLEMS.array))
    log.add(PROBLEMS.resultEmpty, { file, message: 'expected detections, got none' });
  return counts;
}

function checkMask(
  { segmentation }: ReadResult,
  imageHeight: number,
  imageWidth: number,
  report: ReportProblem,
): void {
  if (!segmentation || !('counts' in segmentation)) return;
  const [height, width] = segmentation.size;
  if (height !== imageHeight || width !== imageWidth)
    report(
      PROBLEMS.rleSize,
      `segmentation/size: expected [${imageHeight}, ${imageWidth}] of its image, got [${height}, ${width}]`,
    );
  try {
    rleOfSegmentation(segmentation, imageHeight, imageWidth);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    report(PROBLEMS.rleRuns, `segmentation/counts: ${error.message.replace(/^\w+: /, '')}`);
  }
}
