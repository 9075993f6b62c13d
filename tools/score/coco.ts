import { matrixRows } from '../../core/statistics.js';
import { stopwatch } from '../../core/duration.js';
import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { OptionError } from '../../core/errors.js';
import type { CocoResult } from '../../evaluation/coco/evaluator.js';
import { detectionConfusion } from '../../evaluation/coco/detection-confusion.js';
import { errorBreakdown } from '../../evaluation/coco/error-breakdown.js';
import type { CocoDetections, CocoGroundTruth } from '../../evaluation/coco/objects.js';
import { addCocoPartialResult, cocoPartialResult } from '../../evaluation/coco/partial-result.js';
import { namedStats, tabulateCoco } from '../../evaluation/coco/summary.js';
import { thresholdCurves } from '../../evaluation/coco/threshold-curves.js';
import { cocoWarnings } from '../../evaluation/coco/warnings.js';
import { sha256Of } from '../../io/files/sha256.js';
import { decodePartialResult, encodePartialResult } from '../../io/partial-result.js';
import { readBytes } from '../../io/files/read.js';
import { matchCoco, type CocoMatchOptions, type CocoMatchTimes } from './coco-match.js';
import { canStartThreads, startCocoThreads } from './coco-threads.js';

/** Options of scoring detections. */
export interface CocoScoreOptions extends CocoMatchOptions {
  /** Partial results of other processes. */
  readonly parts: readonly string[];
  /** Whether to break down errors by kind. */
  readonly errors: boolean;
  /** Smallest score of the confusion matrix; no matrix if undefined. */
  readonly confusionScore?: number | undefined;
  /** Number of matching threads; default: as many as are efficient. */
  readonly threads?: number | undefined;
}

/** Wall times in seconds. */
export interface CocoScoreTimes extends CocoMatchTimes {
  readonly accumulate: number;
}

/** A score with its inputs. */
export interface CocoScore {
  readonly result: CocoResult;
  readonly groundTruth: CocoGroundTruth;
  readonly numDetections: number;
  readonly warnings: readonly string[];
  readonly threads: number;
  readonly seconds: CocoScoreTimes;
  readonly part: () => Uint8Array;
  readonly errors?: ReturnType<typeof errorBreakdown> | undefined;
  readonly confusion?: ReturnType<typeof detectionConfusion> | undefined;
}

/** Reads and scores result files. @throws DataError or ConfigError for invalid input */
export async function scoreCoco(options: CocoScoreOptions): Promise<CocoScore> {
  assertCloserLook(options);
  const threads = options.threads ?? threadsThatPay(options);
  const others = startCocoThreads(options, threads);
  try {
    const { exchange } = others;
    const { groundTruth, results, evaluator, seconds } = await matchCoco(
      options,
      threads > 1 ? { shard: { index: 0, count: threads }, exchange } : undefined,
    );
    const clock = stopwatch();
    for (const part of await others.parts)
      addCocoPartialResult(evaluator, decodePartialResult(part, 'thread'));
    for (const file of options.parts)
      addCocoPartialResult(evaluator, decodePartialResult(await readBytes(file), file));
    const merge = clock() / 1000;
    const result = evaluator.finish();
    const accumulate = clock() / 1000;
    return {
      result,
      groundTruth,
      numDetections: results?.detections.scores.length ?? result.matches.scores.length,
      warnings: cocoWarnings(groundTruth, results, result.parameters),
      threads,
      seconds: { ...seconds, evaluate: seconds.evaluate + merge, accumulate },
      part: () => encodePartialResult(cocoPartialResult(evaluator)),
      ...(results ? closerLook(groundTruth, results.detections, options) : {}),
    };
  } finally {
    await others.stop();
  }
}

/**
 * A second thread is faster if many masks are compared. More are not, because each reads the ground truth and joins the
 * detections separately. Analyses need all masks in one thread.
 */
function threadsThatPay({ iouType, dt, errors, confusionScore }: CocoScoreOptions): number {
  if (iouType !== 'segm' || errors || confusionScore !== undefined || !canStartThreads()) return 1;
  const numBytes = dt.reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0);
  return numBytes > 16 << 20 && availableParallelism() > 1 ? 2 : 1;
}

/** Analyses across categories need the detections themselves. */
function assertCloserLook({ iouType, parts, errors, confusionScore }: CocoScoreOptions): void {
  if (!errors && confusionScore === undefined) return;
  const flag = errors ? '--errors' : '--confusion';
  if (iouType === 'keypoints')
    throw new OptionError(`${flag}: expected --type bbox or segm, got keypoints`);
  if (parts.length > 0)
    throw new OptionError(
      `${flag}: expected result files alone, got --merge, too; parts hold no detections`,
    );
}

function closerLook(
  groundTruth: CocoGroundTruth,
  detections: CocoDetections,
  { iouType, parameters, errors, confusionScore }: CocoScoreOptions,
): Pick<CocoScore, 'errors' | 'confusion'> {
  if (iouType === 'keypoints') return {}; // rejected at the start if requested
  const common = { iouType, iouThreshold: 0.5, imageIds: parameters.imageIds };
  return {
    errors: errors ? errorBreakdown(groundTruth, detections, common) : undefined,
    confusion:
      confusionScore === undefined
        ? undefined
        : detectionConfusion(groundTruth, detections, { ...common, minScore: confusionScore }),
  };
}

/**
 * Creates the JSON document of a score. Arrays of curves are represented by their SHA-256 (float64, little-endian, C
 * order).
 */
export function cocoDocument(score: CocoScore, options: CocoScoreOptions): object {
  const { result, groundTruth, errors, confusion } = score;
  const { parameters, curves, stats } = result;
  const category = new Map(groundTruth.categories.map(({ id, name }) => [id, name]));
  const hasHalf = parameters.iouThresholds.includes(0.5);
  const best = new Map(
    (hasHalf ? thresholdCurves(result, 0.5) : []).map(({ categoryId, best }) => [categoryId, best]),
  );
  return {
    task: 'coco',
    iouType: parameters.iouType,
    files: { gt: options.gt, dt: options.dt, parts: options.parts },
    counts: {
      images: result.grid.imageIds.length,
      annotations: groundTruth.ids.length,
      detections: score.numDetections,
      evaluatedDetections: result.matches.scores.length,
    },
    params: {
      iouThrs: parameters.iouThresholds,
      maxDets: parameters.maxDetections,
      areaRng: parameters.areaRanges.map(({ min, max }) => [min, max]),
      areaRngLbl: parameters.areaRanges.map(({ name }) => name),
      useCats: parameters.useCategories ? 1 : 0,
      strict: parameters.strict,
    },
    stats,
    metrics: Object.fromEntries(
      namedStats(curves, parameters).map(({ name, value }) => [name, value]),
    ),
    ...tabulateCoco(curves, parameters),
    shape: curves.shape,
    perCategory: result.perCategory.map((summary) => ({
      name: category.get(summary.categoryId) ?? null,
      ...summary,
      bestF1: best.get(summary.categoryId) ?? null,
    })),
    sha256: {
      precision: sha256Of(curves.precision),
      recall: sha256Of(curves.recall),
      scores: sha256Of(curves.scores),
    },
    errors: errors && { iou: 0.5, AP: errors.AP, counts: errors.counts, gains: errors.gains },
    confusion: confusion && {
      iou: 0.5,
      minScore: options.confusionScore,
      categoryIds: confusion.categoryIds,
      counts: matrixRows(confusion.counts, confusion.categoryIds.length + 1),
    },
    warnings: score.warnings,
    threads: score.threads,
    seconds: score.seconds,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}
