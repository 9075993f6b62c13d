import type { FcmaeConfig } from '../../backbone/fcmae.js';
import type { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { ClassificationTransform } from '../pipelines/classify.js';
import type { OptimizerConfig } from '../run-settings.js';
import { scaledLearningRate } from '../schedule.js';

/** Everything that determines the pre-training of a masked autoencoder, beside the data and the seed. */
export interface PretrainingConfig {
  readonly task: 'pretrain';
  readonly fcmae: FcmaeConfig;
  readonly pixels: PixelStats;
  readonly training: ClassificationTransform;
  readonly evaluation: EvaluationResize;
  readonly batchSize: number;
  readonly accumulation: number;
  readonly epochs: number;
  readonly optimizer: OptimizerConfig;
  /** Learning rate for 256 images an update; see {@link peakLearningRate}. */
  readonly baseLr: number;
  readonly minLr: number;
  readonly warmupEpochs: number;
  readonly weightDecay: number;
  readonly clipNorm: number | null;
  readonly logEvery: number;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  readonly keepCheckpoints: number;
  /** Held-out images whose reconstructions are drawn at every evaluation. */
  readonly numPictures: number;
  /** Worker threads that decode and transform; 0 uses the main thread. */
  readonly workers: number;
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
