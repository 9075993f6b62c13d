import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import { layerNorm, standardizeGradient, standardized, type NormParams } from './layer-norm.js';
import { foldNorm, foldingPays, linear, type LinearParams } from './linear.js';
import { foldChannelNorm, normalized, type ChannelNormParams, type NormForm } from './norm.js';
import { blocksPay, inBlocks, prefersStandardOperators } from './lowering.js';
import { pointwise, pointwiseWeightGradient } from './pointwise.js';

/**
 * `linear(norm(x))` at every position. The affine part of the norm is folded into the linear layer where its weight is
 * smaller than the activations.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, out]`
 * @throws ShapeError if the last axis is not `C`
 */
export function normLinear(
  x: tf.Tensor4D,
  { weight, bias }: ChannelNormParams,
  next: LinearParams,
  { eps, kind }: NormForm,
): tf.Tensor4D {
  assertShape('normLinear', x, ['N', 'H', 'W', next.weight.shape[0]]);
  assertShape('normLinear norm', weight, [next.weight.shape[0]]);
  if (kind !== undefined || !bias) {
    return tf.tidy(() =>
      linear(normalized(x, { eps, kind }), foldChannelNorm({ weight, bias }, next)),
    );
  }
  const norm = { weight, bias };
  if (foldingPays(x, next) || prefersStandardOperators()) return folded(x, norm, next, eps);
  return tf.tidy(() => linear(layerNorm(x, norm, eps), next));
}

/**
 * {@link normLinear} with a folded weight. One op with a custom gradient: the standardized input has mean 0 over its
 * channels, so in the backward pass the columns of the weight may be centered, and the norm's gradient then needs no mean of
 * the activations' gradient.
 */
function folded(x: tf.Tensor4D, norm: NormParams, next: LinearParams, eps: number): tf.Tensor4D {
  const [channels, out] = next.weight.shape;
  return withGradient(
    [x, norm.weight, norm.bias, next.weight, next.bias],
    (input, gamma, beta, weight, bias) => {
      const [y, inverse, value] = tf.tidy(() => {
        const [standard, root] = standardized(input, eps);
        const layer = foldNorm({ weight: gamma, bias: beta }, { weight, bias });
        const source = blocksPay(input, out) ? inBlocks(standard) : standard;
        return [standard, root, pointwise(source, layer.weight, { bias: layer.bias })];
      });
      return { value, saved: [y, inverse, gamma, beta, weight] };
    },
    (dy, [y, inverse, gamma, beta, weight]) =>
      tf.tidy(() => {
        const dz = blocksPay(y, out) ? inBlocks(dy) : dy;
        const scale = gamma.reshape([channels, 1]);
        const scaled = weight.mul<tf.Tensor2D>(scale);
        const centered = scaled.sub<tf.Tensor2D>(scaled.mean(0, true)); // [C, out]
        const along = pointwise(dz, centered, { transposed: true }); // [N, H, W, C], mean 0
        const dScaled = pointwiseWeightGradient(y, dz); // [C, out]
        const dBias = dz.sum<tf.Tensor1D>([0, 1, 2]);
        const shifted = beta.reshape([channels, 1]).mul(dBias.reshape([1, out]));
        return [
          standardizeGradient(along, y, inverse, true),
          dScaled.mul(weight).sum(1),
          weight.matMul(dBias.reshape([out, 1])).reshape([channels]),
          dScaled.mul(scale).add(shifted),
          dBias,
        ];
      }),
  );
}
