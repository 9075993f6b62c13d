import { ConvNeXtV2Config } from '../../backbone/variants.js';
import {
  FLAG,
  FRACTION,
  NON_NEGATIVE,
  POSITIVE,
  extend,
  list,
  literal,
  omit,
  optional,
  orNull,
  record,
  whole,
  type Infer,
} from '../../core/schema.js';
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
export const SegmentationConfig = extend(LoopConfig, {
  task: literal('segment'),
  backbone: ConvNeXtV2Config,
  /** Architecture; `numClasses` is taken from the data. */
  head: omit(UperNetConfig, 'numClasses'),
  /** Fraction of the channels that are dropped before each classifier. */
  dropoutRate: FRACTION,
  /** Drop path rate of the last block; that of the first is 0. */
  dropPathRate: FRACTION,
  /** SyncBN scope: images over which batch norms take statistics. */
  batchNormOver: BatchNormScope,
  /** Weight of a step in the running statistics of batch norms. */
  batchNormMomentum: FRACTION,
  pixels: PixelStats,
  geometry: SegmentationGeometryOptions,
  photometric: orNull(PhotometricOptions),
  /** Preprocessing in evaluation and prediction. */
  evaluation: record({
    /** Limits of the sides of the resized image in pixels. */
    limits: ScaleLimits,
    window: SlidingWindow,
    /** Factors of the limits for multi-scale evaluation. */
    ratios: list(POSITIVE),
  }),
  /** Changes of the cross-entropy of both heads; default: none. */
  loss: optional(PixelLoss),
  /** Whether validation during training uses sliding windows instead of whole images. */
  slide: FLAG,
  /** Number of optimizer steps of the whole run. */
  steps: whole(1),
  /** Peak learning rate. */
  lr: NON_NEGATIVE,
  minLr: NON_NEGATIVE,
  /** Exponent of the polynomial decay. */
  power: NON_NEGATIVE,
  warmup: LinearWarmup,
  layers: LayerRule,
  decayGrn: FLAG,
  emaDecay: EMA_DECAY,
  /** Number of steps between evaluations, rounded to whole epochs. */
  evaluateEverySteps: whole(1),
  /** Number of steps between checkpoints. */
  checkpointEverySteps: whole(1),
});
export type SegmentationConfig = Infer<typeof SegmentationConfig>;
