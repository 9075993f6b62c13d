import * as tf from '../../engine/tfjs.js';
import { layer } from '../../engine/capture/scope.js';
import { crossEntropySum, oneHotRows } from '../../engine/ops/losses.js';
import { vjp } from '../../engine/ops/vjp.js';
import type { Program } from '../../engine/runtime/program.js';
import type { BoxHeadOutputs, BoxHeadSpecs } from '../../heads/box/box-head.js';
import { boxHead, boxPredictions, deltasOfClass } from '../../heads/box/box-head.js';
import { boxLoss } from '../../heads/box/box-losses.js';
import { conv3x3 } from '../../heads/conv3x3.js';
import type { BoxStageConfig } from './config.js';
import type { DetectorParams, HeadParams } from './specs.js';

/** Input `features` `[R, P, P, C]`; outputs `logits` `[R, K + 1]` and `deltas` `[R, 4K]` or `[R, 4]`. */
export function boxInference(paramsOf: HeadParams<BoxHeadSpecs>): Program {
  return {
    name: 'box head',
    forward: (params: DetectorParams, { features }) => ({
      ...boxHead(paramsOf(params), features as tf.Tensor4D),
    }),
  };
}

/**
 * Training program of a box head.
 *
 * Inputs `features` `[R, P, P, C]`; `labels` int32 `[R]` (K: background, −1: padding); `targets` `[R, 4]`,
 * `targetWeights` `[R]` (1 for positives); `references` `[R, 4]`, the RoIs; `fractions` `[1, R·P·P]` for heads with batch
 * norm; `scale` `[1]`, the stage's loss weight divided by the number of RoIs. Outputs `loss`, its terms `classLoss` and
 * `boxLoss`, `logits`, `deltas`, and of every batch norm `mean{i}` and `variance{i}`.
 */
export function boxTraining(
  paramsOf: HeadParams<BoxHeadSpecs>,
  stage: BoxStageConfig,
  numClasses: number,
): Program {
  return {
    name: 'box head training',
    forward: (params: DetectorParams, inputs) => {
      const statistics: Record<string, tf.Tensor> = {};
      const outputs = boxHead(paramsOf(params), inputs['features'] as tf.Tensor4D, {
        kind: 'batch',
        fractions: inputs['fractions'] as tf.Tensor2D | undefined,
        onStatistics: (conv, { moments }) => {
          // `tf.keep`, because the enclosing layers dispose tensors that they do not return.
          statistics[`mean${conv}`] = tf.keep(moments.mean);
          statistics[`variance${conv}`] = tf.keep(moments.variance);
        },
      });
      return { ...losses(outputs, inputs, stage, numClasses), ...statistics };
    },
  };
}

/** {@link boxTraining} on `features` after the convolutions, for batch norms computed elsewhere. */
export function boxTrainingAfterConvs(
  paramsOf: HeadParams<BoxHeadSpecs>,
  stage: BoxStageConfig,
  numClasses: number,
): Program {
  return {
    name: 'box head training after convolutions',
    forward: (params: DetectorParams, inputs) => {
      const features = inputs['features'] as tf.Tensor4D;
      const outputs = layer('bbox_head', () => ({ ...boxPredictions(paramsOf(params), features) }));
      return losses(outputs, inputs, stage, numClasses);
    },
  };
}

/**
 * Program of one 3×3 convolution of a box head. The weight is an input, so one session serves all convolutions.
 *
 * Inputs `features` `[R, P, P, C]`, `weight` `[3, 3, C, C']`; output `convolved`.
 */
export function boxConv(): Program {
  return {
    name: 'box head convolution',
    forward: (_, inputs) => ({ convolved: convolved(inputs) }),
  };
}

/** Backward pass of {@link boxConv}. Additional input `gradient` of `convolved`; output `loss`, which is 0. */
export function boxConvGradients(): Program {
  return {
    name: 'box head convolution gradients',
    forward: (_, inputs) => ({ loss: vjp(convolved(inputs), inputs['gradient']) }),
  };
}

function convolved(inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor4D {
  const { features, weight } = inputs as Readonly<Record<string, tf.Tensor4D>>;
  return layer('bbox_head', () => conv3x3(features, { weight }));
}

function losses(
  { logits, deltas }: BoxHeadOutputs,
  inputs: Readonly<Record<string, tf.Tensor>>,
  stage: BoxStageConfig,
  numClasses: number,
): Readonly<Record<string, tf.Tensor>> {
  const labels = inputs['labels'] as tf.Tensor1D;
  const own = deltasOfClass(deltas, oneHotRows(labels, numClasses)); // [R, 4]
  const perRoi = boxLoss(own, inputs['targets'] as tf.Tensor2D, stage.boxLoss, {
    references: inputs['references'] as tf.Tensor2D,
    coder: stage.coder,
  });
  const scale = inputs['scale'].reshape([]);
  const classLoss = crossEntropySum(logits, labels).mul(scale);
  const boxTerm = perRoi.mul(inputs['targetWeights']).sum().mul(scale);
  return { loss: classLoss.add(boxTerm), classLoss, boxLoss: boxTerm, logits, deltas };
}
