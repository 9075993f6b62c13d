import { ConvNeXtV2Config } from '../../backbone/variants.js';
import * as t from '../../core/schema.js';
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
export const DetectionTransform = t.byKind(
  /** Keep-ratio resize. */
  t.record({ kind: t.literal('evaluation'), limits: ScaleLimits }),
  /** Flip, then multi-scale resize with a random crop. */
  t.record({
    kind: t.literal('multiScale'),
    scales: MultiScaleOptions,
    flipProbability: t.FRACTION,
    /** Number of other images whose objects are pasted into every image before that; default 0. */
    copyPaste: t.optional(t.whole(0)),
  }),
  /** Jitter and crop with boxes recomputed from the masks, then flip. */
  t.record({
    kind: t.literal('largeScaleJitter'),
    jitter: LargeScaleJitterOptions,
    flipProbability: t.FRACTION,
    /** As for `multiScale`. */
    copyPaste: t.optional(t.whole(0)),
  }),
);
export type DetectionTransform = t.Infer<typeof DetectionTransform>;

/** Decay of the learning rate after the warm-up. */
const LearningRateDecay = t.byKind(
  /** Multiplies by `gamma` at each of the `milestones`, in whole epochs. */
  t.record({
    kind: t.literal('multiStep'),
    milestones: { ...t.list(t.NON_NEGATIVE), minItems: 0 },
    gamma: t.NON_NEGATIVE,
  }),
  /** `(1 − done)^power` over the whole run. */
  t.record({ kind: t.literal('poly'), power: t.NON_NEGATIVE, minLr: t.NON_NEGATIVE }),
);
type LearningRateDecay = t.Infer<typeof LearningRateDecay>;

/** Configuration of the training of a detector; with data and seed it determines the result. */
export const DetectionConfig = t.extend(LoopConfig, {
  task: t.literal('detect'),
  backbone: ConvNeXtV2Config,
  /** Architecture; `numClasses` is taken from the data. */
  detector: t.omit(DetectorConfig, 'numClasses'),
  /** Number of frozen stages (with the stem): 0 trains everything, 4 only output norms, pyramid and heads. */
  frozenStages: t.whole(0, 4),
  /** Drop path rate of the last block; that of the first is 0. */
  dropPathRate: t.FRACTION,
  /** SyncBN scope: RoIs over which the batch norms of box heads take statistics; default: those of a micro-batch. */
  batchNormOver: t.optional(t.oneOf('microBatch', 'ranks')),
  pixels: PixelStats,
  /** Whether images without annotations are trained on, as background; default: they are left out. */
  keepEmpty: t.optional(t.FLAG),
  /**
   * Fraction of a box inside a region to be ignored (COCO's crowds, VOC's difficult objects) above which it is neither
   * positive nor negative; default: such regions are background, as in mmdetection's configurations.
   */
  ignoreRegions: t.optional(t.FRACTION),
  /**
   * Fraction of the images below which a class is rare; its images are repeated in every epoch, `√(repeatThreshold /
   * fraction)` times on average (LVIS); default: none.
   */
  repeatThreshold: t.optional(t.orNull(t.FRACTION)),
  /** Training of the backbone on cut-out objects before the first step; default: none. */
  objectPretraining: t.optional(t.orNull(ObjectPretraining)),
  training: DetectionTransform,
  evaluation: t.record({
    /** Limits of the sides of the resized image, pixels. */
    limits: ScaleLimits,
    thresholds: DetectionThresholds,
  }),
  epochs: t.whole(1),
  /** Peak learning rate. */
  lr: t.NON_NEGATIVE,
  decay: LearningRateDecay,
  warmup: LinearWarmup,
  layers: LayerRule,
  decayGrn: t.FLAG,
  emaDecay: EMA_DECAY,
  /** Epochs between evaluations. */
  evaluateEvery: t.whole(1),
  /** Epochs between checkpoints. */
  checkpointEvery: t.whole(1),
});
export type DetectionConfig = t.Infer<typeof DetectionConfig>;
