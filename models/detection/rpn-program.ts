import type * as tf from '@tensorflow/tfjs';
import { l1, sigmoidCrossEntropy, smoothL1 } from '../../engine/ops/losses.js';
import type { Program } from '../../engine/runtime/program.js';
import { rpnOfPatches } from '../../heads/rpn/rpn-head.js';
import type { DetectorParams } from './specs.js';
import type { RpnConfig } from './config.js';

/**
 * Training program of the RPN on the cells with sampled anchors.
 *
 * Inputs `patches` `[S, 9C]`; `labels`, `labelWeights` `[S, A]`; `deltas`, `deltaWeights` `[S, 4A]`; `scale` `[1]`, the
 * reciprocal of the number of sampled anchors. Outputs `loss`, and per row `classLoss` and `boxLoss` `[S]`.
 */
export function rpnTraining({ boxLoss }: Pick<RpnConfig, 'boxLoss'>): Program {
  return {
    name: 'rpn training',
    forward: (params: DetectorParams, inputs) => {
      const { objectness, deltas } = rpnOfPatches(
        params.rpn_head,
        inputs['patches'] as tf.Tensor2D,
      );
      const labels = inputs['labels'] as tf.Tensor2D;
      const targets = inputs['deltas'] as tf.Tensor2D;
      const distance =
        boxLoss.kind === 'l1' ? l1(deltas, targets) : smoothL1(deltas, targets, boxLoss.beta);
      const perRow = (terms: tf.Tensor, weights: tf.Tensor): tf.Tensor =>
        terms.mul(weights).sum(1).mul(inputs['scale']); // [S]
      const classRows = perRow(sigmoidCrossEntropy(objectness, labels), inputs['labelWeights']);
      const boxRows = perRow(distance, inputs['deltaWeights']).mul(boxLoss.weight);
      return { loss: classRows.add(boxRows).sum(), classLoss: classRows, boxLoss: boxRows };
    },
  };
}
