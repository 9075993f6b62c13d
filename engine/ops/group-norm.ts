import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '../../core/errors.js';
import { assertShape } from '../../core/shape.js';
import type { NormParams } from './layer-norm.js';

/**
 * Group normalization: the channels of every image are standardized in `groups` groups. The sums are taken per channel
 * first and then per group; the second step is on small tensors and costs nothing.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, C]`
 * @throws ShapeError if `C` is not a multiple of `groups` or the parameters have another size
 * @see https://arxiv.org/abs/1803.08494
 */
export function groupNorm(
  x: tf.Tensor4D,
  { weight, bias }: NormParams,
  groups: number,
  eps: number,
): tf.Tensor4D {
  const [n, , , c] = x.shape;
  assertShape('groupNorm', x, ['N', 'H', 'W', weight.size]);
  if (c % groups !== 0)
    throw new ShapeError(`groupNorm: expected channels divisible by ${groups}, got ${c}`);
  return tf.tidy(() => {
    const perChannel = (value: tf.Tensor): tf.Tensor => {
      const means = value
        .mean([1, 2])
        .reshape([n, groups, c / groups])
        .mean(2, true); // [N, groups, 1]
      return means.tile([1, 1, c / groups]).reshape([n, 1, 1, c]);
    };
    const centered = x.sub(perChannel(x));
    const variance = perChannel(centered.mul(centered)); // [N, 1, 1, C]
    return centered.mul(variance.add(eps).rsqrt().mul(weight)).add(bias);
  });
}
