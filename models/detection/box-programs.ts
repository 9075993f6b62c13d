import * as tf from '@tensorflow/tfjs';
import type { SpecTree } from '../../engine/parameters/spec.js';
import { crossEntropySum } from '../../engine/ops/losses.js';
import type { Program } from '../../engine/runtime/program.js';
import type { BoxHeadSpecs } from '../../heads/box/box-head.js';
import { boxHead, boxHeadTraining, deltasOfClass } from '../../heads/box/box-head.js';
import { boxLoss } from '../../heads/box/box-losses.js';
import type { BoxStageConfig } from './config.js';
import type { DetectorSpecs, HeadParams } from './specs.js';

/** Input `features` `[R, P, P, C]`; outputs `logits` `[R, K + 1]` and `deltas` `[R, 4K]` or `[R, 4]`. */
export function boxInference<Tree extends SpecTree>(
  paramsOf: HeadParams<Tree, BoxHeadSpecs>,
): Program<DetectorSpecs<Tree>> {
  return {
    name: 'box head',
    forward: (params, { features }) => ({
      ...boxHead(paramsOf(params), features as tf.Tensor4D),
    }),
  };
}

/**
 * The losses of a box head.
 *
 * Inputs `features` `[R, P, P, C]`; `labels` int32 `[R]` (K: background, −1: no region); `targets` `[R, 4]`, `targetWeights`
 * `[R]` (1 for positives); `references` `[R, 4]`, the regions; `shares` `[1, R·P·P]` for heads with batch norm; `scale` `[1]`,
 * the stage's weight over the number of regions. Outputs `loss`, its terms `classLoss` and `boxLoss`, `logits`, `deltas`,
 * and of every batch norm `mean{i}` and `variance{i}`.
 */
export function boxTraining<Tree extends SpecTree>(
  paramsOf: HeadParams<Tree, BoxHeadSpecs>,
  stage: BoxStageConfig,
  numClasses: number,
): Program<DetectorSpecs<Tree>> {
  return {
    name: 'box head training',
    forward: (params, inputs) => {
      const { logits, deltas, moments } = boxHeadTraining(
        paramsOf(params),
        inputs['features'] as tf.Tensor4D,
        inputs['shares'] as tf.Tensor2D | undefined,
      );
      const labels = inputs['labels'] as tf.Tensor1D;
      const own = deltasOfClass(deltas, oneHot(labels, numClasses)); // [R, 4]
      const perRegion = boxLoss(own, inputs['targets'] as tf.Tensor2D, stage.boxLoss, {
        references: inputs['references'] as tf.Tensor2D,
        coder: stage.coder,
      });
      const scale = inputs['scale'].reshape([]);
      const classTerm = crossEntropySum(logits, labels).mul(scale);
      const boxTerm = perRegion.mul(inputs['targetWeights']).sum().mul(scale);
      const statistics: Record<string, tf.Tensor> = {};
      moments.forEach(({ mean, variance }, i) => {
        statistics[`mean${i}`] = mean;
        statistics[`variance${i}`] = variance;
      });
      return {
        loss: classTerm.add(boxTerm),
        classLoss: classTerm,
        boxLoss: boxTerm,
        logits,
        deltas,
        ...statistics,
      };
    },
  };
}

/** `[R, K]`: 1 at the class; zeros for background and rows without region. */
function oneHot(labels: tf.Tensor1D, numClasses: number): tf.Tensor2D {
  const classes = tf.tensor1d(
    Int32Array.from({ length: numClasses }, (_, k) => k),
    'int32',
  );
  return labels.expandDims(1).equal(classes).cast('float32');
}
