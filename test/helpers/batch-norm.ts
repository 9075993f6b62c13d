import type { BatchMoments } from '../../engine/ops/batch-norm.js';
import type { NormParams } from '../../engine/ops/layer-norm.js';
import * as tf from '../../engine/tfjs.js';

/**
 * Batch normalization with the statistics of the batch by tfjs's operations, whose gradients are tfjs's: what
 * `batchNormReluTraining` is compared with.
 *
 * @param x `[N, H, W, C]`
 * @param fractions `[1, N·H·W]`, weight of every position in the statistics; equal weights by default
 */
export function composedBatchNorm(
  x: tf.Tensor4D,
  { weight, bias }: NormParams,
  eps: number,
  fractions?: tf.Tensor2D,
): { readonly y: tf.Tensor4D; readonly moments: BatchMoments } {
  const [, , , c] = x.shape;
  const average = (of: tf.Tensor): tf.Tensor1D =>
    fractions ? fractions.matMul(of.reshape([-1, c])).reshape([c]) : of.mean([0, 1, 2]);
  return tf.tidy(() => {
    const mean = average(x); // [C]
    const centered = x.sub(mean);
    const variance = average(centered.mul(centered)); // [C]
    const y = centered.mul(weight.mul(variance.add(eps).rsqrt())).add(bias) as tf.Tensor4D;
    return { y, moments: { mean, variance } };
  });
}
