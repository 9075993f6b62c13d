import { ConvNeXtV2Config } from '../../backbone/variants.js';
import * as t from '../../core/schema.js';
import { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import { PixelStats } from '../../datasets/transforms/normalize.js';
import { PhotometricOptions } from '../../datasets/transforms/photometric.js';
import { SegmentationGeometryOptions } from '../../datasets/transforms/segmentation-geometry.js';
import { PixelLoss } from '../../heads/pixel-losses.js';
import { SlidingWindow } from '../../inference/segment/windows.js';
import { UperNetConfig } from '../../models/upernet.js';
import { BatchNormScope } from '../distributed/batch-norm.js';
import { LayerRule } from '../parameter-groups.js';
import { LinearWarmup } from '../schedule.js';
import { EMA_DECAY, LoopConfig } from './loop.js';

/** Configuration of the training of a segmenter; with data and seed it determines the result. */
export const SegmentationConfig = t.extend(LoopConfig, {
  task: t.literal('segment'),
  backbone: ConvNeXtV2Config,
  /** Architecture; `numClasses` is taken from the data. */
  head: t.omit(UperNetConfig, 'numClasses'),
  /** Fraction of the channels that are dropped before each classifier. */
  dropoutRate: t.FRACTION,
  /** Drop path rate of the last block; that of the first is 0. */
  dropPathRate: t.FRACTION,
  /** SyncBN scope: images over which batch norms take statistics. */
  batchNormOver: BatchNormScope,
  /** Weight of a step in the running statistics of batch norms. */
  batchNormMomentum: t.FRACTION,
  pixels: PixelStats,
  geometry: SegmentationGeometryOptions,
  photometric: t.orNull(PhotometricOptions),
  /** Preprocessing in evaluation and prediction. */
  evaluation: t.record({
    /** Limits of the sides of the resized image in pixels. */
    limits: ScaleLimits,
    window: SlidingWindow,
    /** Factors of the limits for multi-scale evaluation. */
    ratios: t.list(t.POSITIVE),
  }),
  /** Changes of the cross-entropy of both heads; default: none. */
  loss: t.optional(PixelLoss),
  /** Whether validation during training uses sliding windows instead of whole images. */
  slide: t.FLAG,
  /** Number of optimizer steps of the whole run. */
  steps: t.whole(1),
  /** Peak learning rate. */
  lr: t.NON_NEGATIVE,
  minLr: t.NON_NEGATIVE,
  /** Exponent of the polynomial decay. */
  power: t.NON_NEGATIVE,
  warmup: LinearWarmup,
  layers: LayerRule,
  decayGrn: t.FLAG,
  emaDecay: EMA_DECAY,
  /** Number of steps between evaluations, rounded to whole epochs. */
  evaluateEverySteps: t.whole(1),
  /** Number of steps between checkpoints. */
  checkpointEverySteps: t.whole(1),
});
export type SegmentationConfig = t.Infer<typeof SegmentationConfig>;
