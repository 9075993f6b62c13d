import { ConvNeXtV2Config } from '../../backbone/variants.js';
import {
  FLAG,
  FRACTION,
  NON_NEGATIVE,
  POSITIVE,
  byKind,
  extend,
  literal,
  optional,
  record,
  whole,
  type Infer,
} from '../../core/schema.js';
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
export const ClassificationTransform = byKind(
  record({
    kind: literal('training'),
    /** Side of the square input in pixels. */
    inputSize: whole(1),
    crop: RandomResizedCropOptions,
    filter: PilFilter,
    flipProbability: FRACTION,
    randAugment: optional(RandAugmentOptions),
    erasing: optional(RandomErasingOptions),
    /** Mixup and CutMix; requires an even batch size. */
    mix: optional(MixOptions),
  }),
  record({ kind: literal('evaluation'), resize: EvaluationResize }),
);
export type ClassificationTransform = Infer<typeof ClassificationTransform>;

/** Configuration of the training of a classifier; with data and seed it determines the result. */
export const ClassificationConfig = extend(LoopConfig, {
  task: literal('classify'),
  backbone: ConvNeXtV2Config,
  /** Factor of the head's initial weights. */
  headInitScale: NON_NEGATIVE,
  /** Whether the initial weights may have GRN where the model has none, or vice versa; for ablations. */
  adaptsResponseNorm: optional(FLAG),
  /** Drop path rate of the last block; that of the first is 0. */
  dropPathRate: FRACTION,
  /** Label smoothing: fraction of the target that is spread over all classes. */
  labelSmoothing: FRACTION,
  /** Weights of the classes in the loss; default: 1. */
  classWeights: optional(ClassWeights),
  /** Focusing parameter γ of the focal loss, `(1 − p)^γ` times the cross-entropy: 2; default: 0. */
  focalGamma: optional(NON_NEGATIVE),
  pixels: PixelStats,
  training: ClassificationTransform,
  evaluation: EvaluationResize,
  epochs: POSITIVE,
  /** Peak learning rate. */
  lr: NON_NEGATIVE,
  minLr: NON_NEGATIVE,
  warmupEpochs: NON_NEGATIVE,
  layers: LayerRule,
  decayGrn: FLAG,
  emaDecay: EMA_DECAY,
  evaluateEvery: whole(1),
  checkpointEvery: whole(1),
});
export type ClassificationConfig = Infer<typeof ClassificationConfig>;
