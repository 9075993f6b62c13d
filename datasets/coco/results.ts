import { DataError } from '../../core/errors.js';
import { decodeRunsInto } from '../../core/rle-string.js';
import { compileSchema, formatProblems } from '../../io/schema.js';
import type { ProblemKind, ProblemLog } from '../problems.js';
import { COCO_PROBLEMS as PROBLEMS } from './problem-kinds.js';
import { scanCocoFile } from './scan-file.js';
import { RESULT_SCHEMA } from './schemas.js';
import type { CocoTables } from './tables.js';

/** How many detections of which kind a result file holds. */
export interface ResultCounts {
  readonly detections: number;
  readonly withBox: number;
  readonly withMask: number;
  readonly withKeypoints: number;
}

interface RawResult {
  readonly image_id: number;
  readonly category_id: number;
  readonly score: number;
  readonly bbox?: readonly [number, number, number, number];
  readonly segmentation?:
    | { readonly size: readonly [number, number]; readonly counts: readonly number[] | string }
    | readonly unknown[]
    | null;
  readonly keypoints?: readonly number[];
}

/**
 * Checks a result file of any size against the images and categories it is about.
 *
 * @throws DataError if the file cannot be read or its JSON structure is broken
 */
export async function checkCocoResults(
  file: string,
  truth: CocoTables,
  log: ProblemLog,
): Promise<ResultCounts> {
  const check = compileSchema(RESULT_SCHEMA);
  const imageOf = new Map<number, number>();
  truth.images.ids.forEach((id, i) => imageOf.set(id, i));
  const categories = new Map(truth.categories.map((category) => [category.id, category]));
  const counts = { detections: 0, withBox: 0, withMask: 0, withKeypoints: 0 };

  const checkResult = (result: RawResult, report: Report): void => {
    counts.detections++;
    if (result.bbox) counts.withBox++;
    if (result.segmentation) counts.withMask++;
    if (result.keypoints) counts.withKeypoints++;
    const image = imageOf.get(result.image_id);
    const category = categories.get(result.category_id);
    if (image === undefined)
      report(PROBLEMS.unknownImage, `expected a known image_id, got ${result.image_id}`);
    if (!category)
      report(PROBLEMS.resultCategory, `expected a known category_id, got ${result.category_id}`);
    if (result.score < 0 || result.score > 1)
      report(PROBLEMS.resultScore, `score: expected a number from 0 to 1, got ${result.score}`);
    if (result.bbox && result.segmentation)
      report(PROBLEMS.resultBoth, 'expected bbox or segmentation, got both');
    if (result.bbox && !(result.bbox[2] > 0 && result.bbox[3] > 0))
      report(
        PROBLEMS.resultBox,
        `bbox: expected sides above 0, got [${result.bbox.join(', ')}] (x, y, width, height)`,
      );
    if (image !== undefined)
      checkMask(result, truth.images.heights[image], truth.images.widths[image], report);
    const numNames = category?.keypoints?.length;
    if (result.keypoints && numNames !== undefined && result.keypoints.length !== 3 * numNames)
      report(
        PROBLEMS.keypoints,
        `keypoints: expected 3 x ${numNames} numbers, got ${result.keypoints.length}`,
      );
  };

  let isArray = false;
  let numRecords = 0;
  await scanCocoFile(file, {
    array: (name) => (isArray ||= name === ''),
    element: (_, index, record) => {
      const report: Report = (kind, message) =>
        log.add(kind, { file, message: `[${index}]: ${message}` });
      numRecords++;
      const wrong = check(record);
      if (wrong.length === 0) checkResult(record as RawResult, report);
      else report(PROBLEMS.schema, formatProblems(wrong));
    },
    invalid: (_, index, message) => {
      numRecords++;
      log.add(PROBLEMS.json, { file, message: `[${index}]: ${message}` });
    },
    value: () => undefined,
  });
  if (!isArray)
    log.add(PROBLEMS.array, { file, message: 'expected an array of detections, got an object' });
  else if (numRecords === 0)
    log.add(PROBLEMS.resultEmpty, { file, message: 'expected detections, got none' });
  return counts;
}

type Report = (kind: ProblemKind, message: string) => void;

function checkMask(
  { segmentation }: RawResult,
  imageHeight: number,
  imageWidth: number,
  report: Report,
): void {
  if (!segmentation || !('counts' in segmentation)) return;
  const [height, width] = segmentation.size;
  if (height !== imageHeight || width !== imageWidth)
    report(
      PROBLEMS.rleSize,
      `segmentation/size: expected [${imageHeight}, ${imageWidth}] of its image, got [${height}, ${width}]`,
    );
  let sum: number;
  try {
    sum = sumOfRuns(segmentation.counts);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    report(PROBLEMS.rleRuns, `segmentation/counts: ${error.message.replace(/^\w+: /, '')}`);
    return;
  }
  if (sum !== height * width)
    report(
      PROBLEMS.rleRuns,
      `segmentation/counts: expected runs of ${height} x ${width} = ${height * width} pixels, got ${sum}`,
    );
}

/** @throws DataError if a text is malformed */
function sumOfRuns(counts: readonly number[] | string): number {
  if (typeof counts !== 'string') return counts.reduce((sum, run) => sum + run, 0);
  const runs = new Uint32Array(counts.length);
  const bytes = Uint8Array.from(counts, (character) => Math.min(255, character.charCodeAt(0)));
  const numRuns = decodeRunsInto(bytes, 0, bytes.length, runs, 0);
  return runs.subarray(0, numRuns).reduce((sum, run) => sum + run, 0);
}
