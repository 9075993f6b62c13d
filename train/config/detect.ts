import { ConvNeXtV2Config } from '../../backbone/variants.js';
import {
  FLAG,
  FRACTION,
  NON_NEGATIVE,
  byKind,
  extend,
  list,
  literal,
  omit,
  oneOf,
  optional,
  record,
  whole,
  type Infer,
} from '../../core/schema.js';
import {
  LargeScaleJitterOptions,
  MultiScaleOptions,
} from '../../datasets/transforms/detection-geometry.js';
import { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import { PixelStats } from '../../datasets/transforms/normalize.js';
import { DetectionThresholds, DetectorConfig } from '../../models/detection/config.js';
import { LayerRule } from '../parameter-groups.js';
import { LinearWarmup } from '../schedule.js';
import { EMA_DECAY, LoopConfig } from './loop.js';

/** From an image to the detector's input. */
export const DetectionTransform = byKind(
  /** Keep-ratio resize. */
  record({ kind: literal('evaluation'), limits: ScaleLimits }),
  /** Flip, then multi-scale resize with an occasional crop. */
  record({
    kind: literal('multiScale'),
    scales: MultiScaleOptions,
    flipProbability: FRACTION,
    /** Number of other images whose objects are pasted into every image first; default 0. */
    copyPaste: optional(whole(0)),
  }),
  /** Jitter and crop with boxes drawn anew around the masks, then flip. */
  record({
    kind: literal('largeScaleJitter'),
    jitter: LargeScaleJitterOptions,
    flipProbability: FRACTION,
    /** As for `multiScale`. */
    copyPaste: optional(whole(0)),
  }),
);
export type DetectionTransform = Infer<typeof DetectionTransform>;

/** How the learning rate falls after the warm-up. */
export const LearningRateDecay = byKind(
  /** Times `gamma` at each of the `milestones`, whole epochs. */
  record({
    kind: literal('multiStep'),
    milestones: { ...list(NON_NEGATIVE), minItems: 0 },
    gamma: NON_NEGATIVE,
  }),
  /** `(1 − done)^power` over the whole run. */
  record({ kind: literal('poly'), power: NON_NEGATIVE, minLr: NON_NEGATIVE }),
);
export type LearningRateDecay = Infer<typeof LearningRateDecay>;

/** Everything that determines the training of a detector, beside the data and the seed. */
export const DetectionConfig = extend(LoopConfig, {
  task: literal('detect'),
  backbone: ConvNeXtV2Config,
  /** `numClasses` is that of the data. */
  detector: omit(DetectorConfig, 'numClasses'),
  /** The stem and so many stages keep their weights: 0 trains everything, 4 only output norms, pyramid and heads. */
  frozenStages: whole(0, 4),
  /** Rate of stochastic depth of the last block; the first has 0. */
  dropPathRate: FRACTION,
  /** Whose RoIs the batch norms of box heads see, where there are any: those of a micro-batch if not given. */
  batchNormOver: optional(oneOf('microBatch', 'ranks')),
  pixels: PixelStats,
  training: DetectionTransform,
  evaluation: record({
    /** Limits of the sides of the resized image, pixels. */
    limits: ScaleLimits,
    thresholds: DetectionThresholds,
  }),
  epochs: whole(1),
  /** Learning rate at its peak. */
  lr: NON_NEGATIVE,
  decay: LearningRateDecay,
  warmup: LinearWarmup,
  layers: LayerRule,
  decayGrn: FLAG,
  emaDecay: EMA_DECAY,
  /** Epochs between evaluations. */
  evaluateEvery: whole(1),
  /** Epochs between checkpoints. */
  checkpointEvery: whole(1),
});
export type DetectionConfig = Infer<typeof DetectionConfig>;
