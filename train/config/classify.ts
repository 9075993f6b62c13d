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
import { LayerRule } from '../parameter-groups.js';
import { EMA_DECAY, LoopConfig } from './loop.js';

/** From a file to the classifier's input. */
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
    /** Mixup and CutMix; the batch size must then be even. */
    mix: optional(MixOptions),
  }),
  record({ kind: literal('evaluation'), resize: EvaluationResize }),
);
export type ClassificationTransform = Infer<typeof ClassificationTransform>;

/** Everything that determines the training of a classifier, beside the data and the seed. */
export const ClassificationConfig = extend(LoopConfig, {
  task: literal('classify'),
  backbone: ConvNeXtV2Config,
  /** Multiplies the initial weights of the head. */
  headInitScale: NON_NEGATIVE,
  /** Whether the weights that training starts from may have a response norm more or less than the model: an ablation. */
  adaptsResponseNorm: optional(FLAG),
  /** Rate of stochastic depth of the last block; the first has 0. */
  dropPathRate: FRACTION,
  /** Fraction of the target that is spread over all classes. */
  labelSmoothing: FRACTION,
  pixels: PixelStats,
  training: ClassificationTransform,
  evaluation: EvaluationResize,
  epochs: POSITIVE,
  /** Learning rate at its peak. */
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
