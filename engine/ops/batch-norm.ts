import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import type { NormParams } from './layer-norm.js';
import { withoutGradient } from './losses.js';
import { withGradient } from './with-gradient.js';

/** Mean and (biased) variance per channel, both `[C]`. */
export interface BatchMoments {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalization with the statistics of the batch, as in training, and ReLU. One op with a custom gradient, which keeps one
 * map for the backward pass, the centered one: where ReLU is 0 is computed again. The moments have no gradient of their own.
 *
 * @param x `[N, H, W, C]`
 * @param fractions `[1, N·H·W]`, weight of every position in the statistics; sums to 1. Equal weights by default
 * @returns `y` `[N, H, W, C]` and the batch's moments `[C]`
 * @throws ShapeError unless there are `C` parameters and, if any, `N·H·W` fractions
 * @see Batch Normalization, section 3: https://arxiv.org/abs/1502.03167
 */
export function batchNormReluTraining(
  x: tf.Tensor4D,
  { weight, bias }: NormParams,
  eps: number,
  fractions?: tf.Tensor2D,
): { readonly y: tf.Tensor4D; readonly moments: BatchMoments } {
  const [n, h, w] = x.shape;
  assertShape('batchNormReluTraining', x, ['N', 'H', 'W', weight.size]);
  if (fractions) assertShape('batchNormReluTraining fractions', fractions, [1, n * h * w]);
  return tf.tidy(() => {
    const average = averaging(x.shape, fractions);
    const mean = withoutGradient(x, average) as tf.Tensor1D;
    const variance = withoutGradient(x, (map) => average(map.sub(mean).square())) as tf.Tensor1D;
    const deviation = variance.add(eps).rsqrt(); // [C], its reciprocal
    const rows = fractions ? [fractions.reshape([n, h, w, 1])] : [];
    const y = withGradient(
      [x, weight, bias],
      (map, factor, shift) => {
        const centered = map.sub(mean);
        const value = tf.tidy(() => centered.mul(deviation.mul(factor)).add(shift).relu());
        return {
          value: value as tf.Tensor4D,
          saved: [centered, deviation, factor, shift, ...rows],
        };
      },
      (dy, saved) => tf.tidy(() => reluNormGradients(dy, saved)),
    );
    return { y, moments: { mean, variance } };
  });
}

/** Gradients of the map, the weight and the bias. */
function reluNormGradients(
  dy: tf.Tensor,
  [centered, deviation, weight, bias, fractions]: readonly tf.Tensor[],
): tf.Tensor[] {
  const scale = weight.mul(deviation); // [C]
  // A zero of the gradient: without it, a compiled graph finds this map equal to that of the forward pass and keeps it.
  const zero = dy.slice([0, 0, 0, 0], [1, 1, 1, 1]).reshape([]).mul(0);
  const g = dy.mul(centered.mul(scale.add(zero)).add(bias).step()); // [N, H, W, C]
  const total = g.sum([0, 1, 2]); // [C]
  const dot = g.mul(centered).sum([0, 1, 2]); // [C]
  const slope = dot.mul(scale).mul(deviation.square()); // [C]
  const level = total.mul(scale); // [C]
  const count = centered.size / total.size;
  const mean = (fractions as tf.Tensor | undefined)
    ? centered.mul(slope).add(level).mul(fractions)
    : centered.mul(slope.div(count)).add(level.div(count));
  return [g.mul(scale).sub(mean), dot.mul(deviation), total];
}

/** Mean over the positions, weighted by fractions: a product with their row, one pass without a masked copy of the features. */
function averaging(
  shape: readonly number[],
  fractions: tf.Tensor2D | undefined,
): (of: tf.Tensor) => tf.Tensor1D {
  const [, , , c] = shape;
  return (of) =>
    fractions ? fractions.matMul(of.reshape([-1, c])).reshape([c]) : of.mean([0, 1, 2]);
}
