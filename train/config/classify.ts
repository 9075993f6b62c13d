import { ConvNeXtV2Config } from '../../backbone/variants.js';
import * as t from '../../core/schema.js';
import { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import { MixOptions } from '../../datasets/transforms/mix.js';
import { PixelStats } from '../../datasets/transforms/normalize.js';
import { PilFilter } from '../../datasets/transforms/pil-coefficients.js';
import { RandAugmentOptions } from '../../datasets/transforms/rand-augment.js';
import { RandomErasingOptions } from '../../datasets/transforms/random-erasing.js';
import { RandomResizedCropOptions } from '../../datasets/transforms/random-resized-crop.js';
import { ClassWeights } from '../class-weights.js';
import { LayerRule } from '../parameter-groups.js';
import { EMA_DECAY, LoopConfig } from './loop.js';

/** Preprocessing and augmentation of the classifier's input. */
export const ClassificationTransform = t.byKind(
  t.record({
    kind: t.literal('training'),
    /** Side of the square input in pixels. */
    inputSize: t.whole(1),
    crop: RandomResizedCropOptions,
    filter: PilFilter,
    flipProbability: t.FRACTION,
    randAugment: t.optional(RandAugmentOptions),
    erasing: t.optional(RandomErasingOptions),
    /** Mixup and CutMix; requires an even batch size. */
    mix: t.optional(MixOptions),
  }),
  t.record({ kind: t.literal('evaluation'), resize: EvaluationResize }),
);
export type ClassificationTransform = t.Infer<typeof ClassificationTransform>;

/** Configuration of the training of a classifier; with data and seed it determines the result. */
export const ClassificationConfig = t.extend(LoopConfig, {
  task: t.literal('classify'),
  backbone: ConvNeXtV2Config,
  /** Factor of the head's initial weights. */
  headInitScale: t.NON_NEGATIVE,
  /** Whether the initial weights may have GRN where the model has none, or vice versa; for ablations. */
  adaptsResponseNorm: t.optional(t.FLAG),
  /** Drop path rate of the last block; that of the first is 0. */
  dropPathRate: t.FRACTION,
  /** Label smoothing: fraction of the target that is spread over all classes. */
  labelSmoothing: t.FRACTION,
  /** Weights of the classes in the loss; default: 1. */
  classWeights: t.optional(ClassWeights),
  /** Focusing parameter γ of the focal loss, `(1 − p)^γ` times the cross-entropy: 2; default: 0. */
  focalGamma: t.optional(t.NON_NEGATIVE),
  pixels: PixelStats,
  training: ClassificationTransform,
  evaluation: EvaluationResize,
  epochs: t.POSITIVE,
  /** Peak learning rate. */
  lr: t.NON_NEGATIVE,
  minLr: t.NON_NEGATIVE,
  warmupEpochs: t.NON_NEGATIVE,
  layers: LayerRule,
  decayGrn: t.FLAG,
  emaDecay: EMA_DECAY,
  evaluateEvery: t.whole(1),
  checkpointEvery: t.whole(1),
});
export type ClassificationConfig = t.Infer<typeof ClassificationConfig>;
