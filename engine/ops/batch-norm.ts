import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import type { NormParams } from './layer-norm.js';

/** Mean and (biased) variance per channel, both `[C]`. */
export interface Moments {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalization with the statistics of the batch, as in training.
 *
 * @param x `[N, H, W, C]`
 * @param fractions `[1, N·H·W]`, weight of every position in the statistics; sums to 1. Equal weights by default
 * @returns `y` `[N, H, W, C]` and the batch's moments `[C]`
 * @throws ShapeError unless there are `C` parameters and, if any, `N·H·W` fractions
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  { weight, bias }: NormParams,
  eps: number,
  fractions?: tf.Tensor2D,
): { readonly y: tf.Tensor4D; readonly moments: Moments } {
  assertShape('batchNormTraining', x, ['N', 'H', 'W', weight.size]);
  const [n, h, w, c] = x.shape;
  if (fractions) assertShape('batchNormTraining fractions', fractions, [1, n * h * w]);
  return tf.tidy(() => {
    // A product with the row of fractions: one pass, and no masked copy of the features.
    const average = (of: tf.Tensor): tf.Tensor1D =>
      fractions ? fractions.matMul(of.reshape([-1, c])).reshape([c]) : of.mean([0, 1, 2]);
    const mean = average(x); // [C]
    const centered = x.sub(mean);
    const variance = average(centered.mul(centered)); // [C]
    const y = centered.mul(weight.mul(variance.add(eps).rsqrt())).add(bias) as tf.Tensor4D;
    return { y, moments: { mean, variance } };
  });
}
