import { CocoEvaluator } from '../../evaluation/coco/evaluator.js';
import type { IouType } from '../../core/coco.js';
import type { CocoGroundTruth } from '../../evaluation/coco/objects.js';
import { cocoParameters, type CocoChanges } from '../../evaluation/coco/parameters.js';
import type { CocoResults } from '../../evaluation/coco/results-builder.js';
import { isInThreadShard, type ThreadShard } from '../../evaluation/coco/thread-shard.js';
import { readDetections, readGroundTruth } from './read-coco.js';

/** Options of matching; plain data, so that it can be sent to a thread. */
export interface CocoMatchOptions {
  readonly gt: string;
  /** Result files, read as one concatenated list. */
  readonly dt: readonly string[];
  readonly iouType: IouType;
  readonly parameters: CocoChanges;
  readonly unknownImages: 'refuse' | 'leaveOut';
}

/** The data read, and an evaluator with its matches. */
interface CocoMatchRun {
  readonly groundTruth: CocoGroundTruth;
  /** Undefined without result files. */
  readonly results: CocoResults | undefined;
  readonly evaluator: CocoEvaluator;
  /** Wall times. */
  readonly seconds: { loadGroundTruth: number; loadResults: number; evaluate: number };
}

/**
 * Reads the files and matches the detections.
 *
 * @param shard matches only a shard of the images (all files are read)
 * @throws DataError or ConfigError for invalid input
 */
export async function matchCoco(
  options: CocoMatchOptions,
  shard?: ThreadShard,
): Promise<CocoMatchRun> {
  const { gt, dt, iouType, unknownImages } = options;
  const parameters = cocoParameters(iouType, options.parameters);
  const clock = stopwatch();
  const wantsMask = shard && ((imageId: number): boolean => isInThreadShard(imageId, shard));
  const groundTruth = await readGroundTruth(gt, iouType, wantsMask);
  const loadGroundTruth = clock();
  const { strict } = parameters;
  const results =
    dt.length > 0
      ? await readDetections(dt, groundTruth, { iouType, strict, unknownImages, wantsMask })
      : undefined;
  const loadResults = clock();
  const evaluator = new CocoEvaluator(groundTruth, parameters);
  if (results) evaluator.update(results.detections, shard);
  return {
    groundTruth,
    results,
    evaluator,
    seconds: { loadGroundTruth, loadResults, evaluate: clock() },
  };
}

/** Creates a timer that returns the seconds since its last call. */
export function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}
