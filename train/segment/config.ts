import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import type { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { PhotometricOptions } from '../../datasets/transforms/photometric.js';
import type { SegmentationGeometryOptions } from '../../datasets/transforms/segmentation-geometry.js';
import type { SlidingWindow } from '../../models/segmenter.js';
import type { UperNetConfig } from '../../models/upernet.js';
import type { BatchNormScope } from '../distributed/batch-norm.js';
import type { LoopConfig } from '../config/loop.js';
import type { LayerRule } from '../parameter-groups.js';
import type { LinearWarmup } from '../schedule.js';

/** How images are prepared for evaluation and prediction. */
export interface SegmentationViewing {
  /** Limits of the sides of the resized image, pixels. */
  readonly limits: ScaleLimits;
  readonly window: SlidingWindow;
  /** Factors on the limits for multi-scale evaluation. */
  readonly ratios: readonly number[];
}

/** Everything that determines the training of a segmenter, beside the data and the seed. */
export interface SegmentationConfig extends LoopConfig {
  readonly task: 'segment';
  readonly backbone: ConvNeXtV2Config;
  /** `numClasses` is that of the data. */
  readonly head: Omit<UperNetConfig, 'numClasses'>;
  /** Share of the channels that are dropped before each classifier. */
  readonly dropoutRate: number;
  /** Rate of stochastic depth of the last block; the first has 0. */
  readonly dropPathRate: number;
  /** The images that share the statistics of batch norms. */
  readonly batchNormOver: BatchNormScope;
  /** Share of a step in the running statistics of batch norms. */
  readonly batchNormMomentum: number;
  readonly pixels: PixelStats;
  readonly geometry: SegmentationGeometryOptions;
  readonly photometric: PhotometricOptions | null;
  readonly evaluation: SegmentationViewing;
  /** Whether validation during training slides windows; else it takes whole images. */
  readonly slide: boolean;
  /** Optimizer steps of the whole run. */
  readonly steps: number;
  /** Learning rate at its peak. */
  readonly lr: number;
  readonly minLr: number;
  /** Of the polynomial decay. */
  readonly power: number;
  readonly warmup: LinearWarmup;
  readonly layers: LayerRule;
  readonly decayGrn: boolean;
  readonly emaDecay: number | null;
  /** Steps between evaluations, rounded to whole epochs. */
  readonly evaluateEverySteps: number;
  /** Steps between checkpoints, rounded to whole epochs. */
  readonly checkpointEverySteps: number;
}
