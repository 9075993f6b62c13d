import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import type { ScaleLimits } from '../../datasets/transforms/keep-ratio.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { DetectionThresholds, DetectorConfig } from '../../models/detection/config.js';
import type { BatchNormScope } from '../distributed/batch-norm.js';
import type { LoopConfig } from '../config/loop.js';
import type { LayerRule } from '../parameter-groups.js';
import type { DetectionTransform } from '../pipelines/detect.js';
import type { LinearWarmup } from '../schedule.js';

/** How the learning rate falls after the warm-up. */
export type LearningRateDecay =
  /** Times `gamma` at each of the `milestones`, whole epochs. */
  | { readonly kind: 'multiStep'; readonly milestones: readonly number[]; readonly gamma: number }
  /** `(1 − done)^power` over the whole run. */
  | { readonly kind: 'poly'; readonly power: number; readonly minLr: number };

/** Everything that determines the training of a detector, beside the data and the seed. */
export interface DetectionConfig extends LoopConfig {
  readonly task: 'detect';
  readonly backbone: ConvNeXtV2Config;
  /** `numClasses` is that of the data. */
  readonly detector: Omit<DetectorConfig, 'numClasses'>;
  /** The stem and so many stages keep their weights: 0 trains everything, 4 only output norms, pyramid and heads. */
  readonly frozenStages: number;
  /** Rate of stochastic depth of the last block; the first has 0. */
  readonly dropPathRate: number;
  /** Whose regions the batch norms of box heads see, where there are any: those of a micro-batch if not given. */
  readonly batchNormOver?: Exclude<BatchNormScope, 'step'>;
  readonly pixels: PixelStats;
  readonly training: DetectionTransform;
  readonly evaluation: {
    /** Limits of the sides of the resized image, pixels. */
    readonly limits: ScaleLimits;
    readonly thresholds: DetectionThresholds;
  };
  readonly epochs: number;
  /** Learning rate at its peak. */
  readonly lr: number;
  readonly decay: LearningRateDecay;
  readonly warmup: LinearWarmup;
  readonly layers: LayerRule;
  readonly decayGrn: boolean;
  readonly emaDecay: number | null;
  /** Epochs between evaluations. */
  readonly evaluateEvery: number;
  /** Epochs between checkpoints. */
  readonly checkpointEvery: number;
}
