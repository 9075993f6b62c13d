import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';

/**
 * Stochastic depth on the branch of a residual block: drops whole samples and scales the others up. The mask is an input,
 * so compiled graphs need no random numbers.
 *
 * @param branch `[N, H, W, C]`
 * @param mask `[N]`, 0 for dropped samples, `1 / (1 − rate)` for kept ones
 * @returns `[N, H, W, C]`
 * @throws ShapeError if the mask is not `[N]`
 * @see https://arxiv.org/abs/1603.09382
 */
export function dropPath(branch: tf.Tensor4D, mask: tf.Tensor1D): tf.Tensor4D {
  assertShape('dropPath', mask, [branch.shape[0]]);
  return tf.tidy(() => branch.mul(mask.reshape([-1, 1, 1, 1]))); // [N, 1, 1, 1]
}
