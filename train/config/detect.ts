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
  orNull,
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
import { ObjectPretraining } from './object-pretraining.js';
import { EMA_DECAY, LoopConfig } from './loop.js';

/** Preprocessing and augmentation of the detector's input. */
export const DetectionTransform = byKind(
  /** Keep-ratio resize. */
  record({ kind: literal('evaluation'), limits: ScaleLimits }),
  /** Flip, then multi-scale resize with a random crop. */
  record({
    kind: literal('multiScale'),
    scales: MultiScaleOptions,
    flipProbability: FRACTION,
    /** Number of other images whose objects are pasted into every image before that; default 0. */
    copyPaste: optional(whole(0)),
  }),
  /** Jitter and crop with boxes recomputed from the masks, then flip. */
  record({
    kind: literal('largeScaleJitter'),
    jitter: LargeScaleJitterOptions,
    flipProbability: FRACTION,
    /** As for `multiScale`. */
    copyPaste: optional(whole(0)),
  }),
);
export type DetectionTransform = Infer<typeof DetectionTransform>;

/** Decay of the learning rate after the warm-up. */
const LearningRateDecay = byKind(
  /** Multiplies by `gamma` at each of the `milestones`, in whole epochs. */
  record({
    kind: literal('multiStep'),
    milestones: { ...list(NON_NEGATIVE), minItems: 0 },
    gamma: NON_NEGATIVE,
  }),
  /** `(1 − done)^power` over the whole run. */
  record({ kind: literal('poly'), power: NON_NEGATIVE, minLr: NON_NEGATIVE }),
);
type LearningRateDecay = Infer<typeof LearningRateDecay>;

/** Configuration of the training of a detector; with data and seed it determines the result. */
export const DetectionConfig = extend(LoopConfig, {
  task: literal('detect'),
  backbone: ConvNeXtV2Config,
  /** Architecture; `numClasses` is taken from the data. */
  detector: omit(DetectorConfig, 'numClasses'),
  /** Number of frozen stages (with the stem): 0 trains everything, 4 only output norms, pyramid and heads. */
  frozenStages: whole(0, 4),
  /** Drop path rate of the last block; that of the first is 0. */
  dropPathRate: FRACTION,
  /** SyncBN scope: RoIs over which the batch norms of box heads take statistics; default: those of a micro-batch. */
  batchNormOver: optional(oneOf('microBatch', 'ranks')),
  pixels: PixelStats,
  /** Whether images without annotations are trained on, as background; default: they are left out. */
  keepEmpty: optional(FLAG),
  /**
   * Fraction of a box inside a region to be ignored (COCO's crowds, VOC's difficult objects) above which it is neither
   * positive nor negative; default: such regions are background, as in mmdetection's configurations.
   */
  ignoreRegions: optional(FRACTION),
  /** Training of the backbone on cut-out objects before the first step; default: none. */
  objectPretraining: optional(orNull(ObjectPretraining)),
  training: DetectionTransform,
  evaluation: record({
    /** Limits of the sides of the resized image, pixels. */
    limits: ScaleLimits,
    thresholds: DetectionThresholds,
  }),
  epochs: whole(1),
  /** Peak learning rate. */
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
