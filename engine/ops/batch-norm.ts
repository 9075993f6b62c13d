import * as tf from '@tensorflow/tfjs';
import { assertShape } from '../../core/shape.js';
import type { NormParams } from './layer-norm.js';

/** Mean and (biased) variance per channel, both `[C]`. */
export interface Moments {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalization with given statistics, as in inference.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, C]`
 */
export function batchNormInference(
  x: tf.Tensor4D,
  params: NormParams,
  { mean, variance }: Moments,
  eps: number,
): tf.Tensor4D {
  assertShape('batchNormInference', x, ['N', 'H', 'W', params.weight.size]);
  return tf.tidy(() => {
    const scale = params.weight.mul(variance.add(eps).rsqrt()); // [C]
    return x.mul(scale).add(params.bias.sub(mean.mul(scale)));
  });
}

/**
 * Batch normalization with the statistics of the batch, as in training.
 *
 * @param x `[N, H, W, C]`
 * @returns `y` `[N, H, W, C]` and the batch's moments `[C]`, for {@link updatedMoments}
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  { weight, bias }: NormParams,
  eps: number,
): { readonly y: tf.Tensor4D; readonly moments: Moments } {
  assertShape('batchNormTraining', x, ['N', 'H', 'W', weight.size]);
  return tf.tidy(() => {
    const mean = x.mean([0, 1, 2]) as tf.Tensor1D; // [C]
    const centered = x.sub(mean);
    const variance = centered.mul(centered).mean([0, 1, 2]) as tf.Tensor1D; // [C]
    const y = centered.mul(weight.mul(variance.add(eps).rsqrt())).add(bias) as tf.Tensor4D;
    return { y, moments: { mean, variance } };
  });
}

/**
 * Running statistics after a step: `(1 − momentum) · running + momentum · batch`, the batch's variance
 * taken unbiased (`count / (count − 1)`), as PyTorch does.
 *
 * @param count number of values per channel, `N · H · W`
 */
export function updatedMoments(
  running: Moments,
  batch: Moments,
  momentum: number,
  count: number,
): Moments {
  return tf.tidy(() => ({
    mean: running.mean.mul(1 - momentum).add(batch.mean.mul(momentum)) as tf.Tensor1D,
    variance: running.variance
      .mul(1 - momentum)
      .add(batch.variance.mul((momentum * count) / Math.max(1, count - 1))) as tf.Tensor1D,
  }));
}
