import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import type { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import type { PixelStats } from '../../datasets/transforms/normalize.js';
import type { ClassificationTransform } from '../pipelines/classify.js';
import type { LoopConfig } from '../config/loop.js';
import type { LayerRule } from '../parameter-groups.js';

/** Everything that determines the training of a classifier, beside the data and the seed. */
export interface ClassificationConfig extends LoopConfig {
  readonly task: 'classify';
  readonly backbone: ConvNeXtV2Config;
  /** Multiplies the initial weights of the head. */
  readonly headInitScale: number;
  /** Whether the weights that training starts from may have a response norm more or less than the model: an ablation. */
  readonly adaptsResponseNorm?: boolean;
  /** Rate of stochastic depth of the last block; the first has 0. */
  readonly dropPathRate: number;
  /** Part of the target that is spread over all classes. */
  readonly labelSmoothing: number;
  readonly pixels: PixelStats;
  readonly training: ClassificationTransform;
  readonly evaluation: EvaluationResize;
  readonly epochs: number;
  /** Learning rate at its peak. */
  readonly lr: number;
  readonly minLr: number;
  readonly warmupEpochs: number;
  readonly layers: LayerRule;
  readonly decayGrn: boolean;
  readonly emaDecay: number | null;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
}
