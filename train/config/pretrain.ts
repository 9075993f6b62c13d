import { FcmaeConfig } from '../../backbone/fcmae.js';
import * as t from '../../core/schema.js';
import { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import { PixelStats } from '../../datasets/transforms/normalize.js';
import { ClassificationTransform } from './classify.js';
import { LoopConfig } from './loop.js';

/** Configuration of the pre-training of a masked autoencoder; with data and seed it determines the result. */
export const PretrainingConfig = t.extend(LoopConfig, {
  task: t.literal('pretrain'),
  fcmae: FcmaeConfig,
  pixels: PixelStats,
  training: ClassificationTransform,
  evaluation: EvaluationResize,
  epochs: t.POSITIVE,
  /** Learning rate for 256 images per update; see {@link peakLearningRate}. */
  baseLr: t.NON_NEGATIVE,
  minLr: t.NON_NEGATIVE,
  warmupEpochs: t.NON_NEGATIVE,
  evaluateEvery: t.whole(1),
  checkpointEvery: t.whole(1),
  /** Number of held-out images whose reconstructions are drawn at every evaluation. */
  numPictures: t.whole(0),
});
export type PretrainingConfig = t.Infer<typeof PretrainingConfig>;

/**
 * Peak learning rate by the linear scaling rule: `baseLr · images / 256`, with the images per update over all processes and
 * micro-batches.
 *
 * @see Goyal et al.: https://arxiv.org/abs/1706.02677
 */
export function peakLearningRate(
  {
    baseLr,
    batchSize,
    accumulation,
  }: Pick<PretrainingConfig, 'baseLr' | 'batchSize' | 'accumulation'>,
  numProcesses = 1,
): number {
  return (baseLr * batchSize * accumulation * numProcesses) / 256;
}
