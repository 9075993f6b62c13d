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
  orNull,
  record,
  whole,
  type Infer,
} from '../../core/schema.js';
import { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import { PixelStats } from '../../datasets/transforms/normalize.js';
import { PhotometricOptions } from '../../datasets/transforms/photometric.js';
import { SegmentationGeometryOptions } from '../../datasets/transforms/segmentation-geometry.js';
import { SlidingWindow } from '../../inference/segment/windows.js';
import { UperNetConfig } from '../../models/upernet.js';
import { BatchNormScope } from '../distributed/batch-norm.js';
import { LayerRule } from '../parameter-groups.js';
import { LinearWarmup } from '../schedule.js';
import { EMA_DECAY, LoopConfig } from './loop.js';

/** Everything that determines the training of a segmenter, beside the data and the seed. */
export const SegmentationConfig = extend(LoopConfig, {
  task: literal('segment'),
  backbone: ConvNeXtV2Config,
  /** `numClasses` is that of the data. */
  head: omit(UperNetConfig, 'numClasses'),
  /** Fraction of the channels that are dropped before each classifier. */
  dropoutRate: FRACTION,
  /** Rate of stochastic depth of the last block; the first has 0. */
  dropPathRate: FRACTION,
  /** The images that share the statistics of batch norms. */
  batchNormOver: BatchNormScope,
  /** Weight of a step in the running statistics of batch norms. */
  batchNormMomentum: FRACTION,
  pixels: PixelStats,
  geometry: SegmentationGeometryOptions,
  photometric: orNull(PhotometricOptions),
  /** How images are prepared for evaluation and prediction. */
  evaluation: record({
    /** Limits of the sides of the resized image, pixels. */
    limits: ScaleLimits,
    window: SlidingWindow,
    /** Factors on the limits for multi-scale evaluation. */
    ratios: list(POSITIVE),
  }),
  /** Whether validation during training slides windows; else it takes whole images. */
  slide: FLAG,
  /** Optimizer steps of the whole run. */
  steps: whole(1),
  /** Learning rate at its peak. */
  lr: NON_NEGATIVE,
  minLr: NON_NEGATIVE,
  /** Of the polynomial decay. */
  power: NON_NEGATIVE,
  warmup: LinearWarmup,
  layers: LayerRule,
  decayGrn: FLAG,
  emaDecay: EMA_DECAY,
  /** Steps between evaluations, rounded to whole epochs. */
  evaluateEverySteps: whole(1),
  /** Steps between checkpoints, rounded to whole epochs. */
  checkpointEverySteps: whole(1),
});
export type SegmentationConfig = Infer<typeof SegmentationConfig>;
