import { stopwatch } from '../../core/duration.js';
import { CocoEvaluator } from '../../evaluation/coco/evaluator.js';
import type { IouType } from '../../core/coco.js';
import type { CocoGroundTruth } from '../../evaluation/coco/objects.js';
import { cocoParameters, type CocoChanges } from '../../evaluation/coco/parameters.js';
import type { CocoResults, ResultsOptions } from '../../evaluation/coco/results-builder.js';
import { joinResults, type SharedResults } from '../../evaluation/coco/shared-results.js';
import { isInThreadShard, type ThreadShard } from '../../evaluation/coco/thread-shard.js';
import { readDetections, readDetectionsPart, readGroundTruth } from './read-coco.js';

/** Options of matching; plain data, so that it can be sent to a thread. */
export interface CocoMatchOptions {
  readonly gt: string;
  /** Result files, read as one concatenated list. */
  readonly dt: readonly string[];
  readonly iouType: IouType;
  readonly parameters: CocoChanges;
  readonly unknownImages: 'refuse' | 'leaveOut';
}

/** Wall times in seconds. */
export interface CocoMatchTimes {
  readonly loadGroundTruth: number;
  readonly loadResults: number;
  readonly evaluate: number;
}

/** The data read, and an evaluator with its matches. */
interface CocoMatchRun {
  readonly groundTruth: CocoGroundTruth;
  /** Undefined without result files. */
  readonly results: CocoResults | undefined;
  readonly evaluator: CocoEvaluator;
  readonly seconds: CocoMatchTimes;
}

/** Work that threads divide: each matches a shard of the images, and reads a part of the detections for all. */
export interface SharedWork {
  readonly shard: ThreadShard;
  /** Gives the part of this thread, and gets those of all; undefined if one of them could not be read on its own. */
  readonly exchange: (
    part: SharedResults | undefined,
  ) => Promise<readonly SharedResults[] | undefined>;
}

/**
 * Reads the files and matches the detections.
 *
 * @param work that of one of several threads; default: all
 * @throws DataError or ConfigError for invalid input
 */
export async function matchCoco(
  options: CocoMatchOptions,
  work?: SharedWork,
): Promise<CocoMatchRun> {
  const shard = work?.shard;
  const { gt, dt, iouType, unknownImages } = options;
  const parameters = cocoParameters(iouType, options.parameters);
  const clock = stopwatch();
  const wantsMask = shard && ((imageId: number): boolean => isInThreadShard(imageId, shard));
  const groundTruth = await readGroundTruth(gt, iouType, { wantsMask });
  const loadGroundTruth = clock() / 1000;
  const { strict } = parameters;
  const resultsOptions = { iouType, strict, unknownImages };
  const results =
    (work && (await readTogether(dt, groundTruth, resultsOptions, work))) ??
    (dt.length > 0
      ? await readDetections(dt, groundTruth, { ...resultsOptions, wantsMask })
      : undefined);
  const loadResults = clock() / 1000;
  const evaluator = new CocoEvaluator(groundTruth, parameters);
  if (results) evaluator.update(results.detections, shard);
  return {
    groundTruth,
    results,
    evaluator,
    seconds: { loadGroundTruth, loadResults, evaluate: clock() / 1000 },
  };
}

/** Reads a part of the only result file, and joins those of all threads. @returns undefined if each has to read all of it */
async function readTogether(
  files: readonly string[],
  groundTruth: CocoGroundTruth,
  options: ResultsOptions,
  { shard, exchange }: SharedWork,
): Promise<CocoResults | undefined> {
  const isOne = files.length === 1;
  const parts = await exchange(
    isOne ? await readDetectionsPart(files[0], groundTruth, options, shard) : undefined,
  );
  return parts && joinResults(parts);
}
