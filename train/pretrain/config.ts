import type { FcmaeConfig } from '../../backbone/fcmae.js';
import type { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { LoopConfig } from '../config/loop.js';
import type { ClassificationTransform } from '../pipelines/classify.js';
import { scaledLearningRate } from '../schedule.js';

/** Everything that determines the pre-training of a masked autoencoder, beside the data and the seed. */
export interface PretrainingConfig extends LoopConfig {
  readonly task: 'pretrain';
  readonly fcmae: FcmaeConfig;
  readonly pixels: PixelStats;
  readonly training: ClassificationTransform;
  readonly evaluation: EvaluationResize;
  readonly epochs: number;
  /** Learning rate for 256 images an update; see {@link peakLearningRate}. */
  readonly baseLr: number;
  readonly minLr: number;
  readonly warmupEpochs: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  /** Held-out images whose reconstructions are drawn at every evaluation. */
  readonly numPictures: number;
}

/** The linear rule: the rate at its peak is proportional to the images of an update. */
export function peakLearningRate(
  {
    baseLr,
    batchSize,
    accumulation,
  }: Pick<PretrainingConfig, 'baseLr' | 'batchSize' | 'accumulation'>,
  numProcesses = 1,
): number {
  return scaledLearningRate({ baseLr, batchSize, accumulation, numProcesses });
}
