import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import { channelAffine, channelDot } from './channels.js';
import { hasFusedKernel, runFusedKernel } from './fused-kernels.js';
import { inBlocks, isInBlocks, prefersStandardOperators } from './lowering.js';

/** Scale and shift of a normalization over channels, both `[C]`. */
export interface NormParams {
  readonly weight: tf.Tensor1D;
  readonly bias: tf.Tensor1D;
}

/**
 * `(x − mean) / sqrt(variance + eps)` over the last axis, with the population variance: layer
 * normalization without its affine part.
 *
 * @param x `[…, C]`
 * @returns `[…, C]`
 */
export function standardize<T extends tf.Tensor>(x: T, eps: number): T {
  return withGradient(
    [x],
    (input) => {
      const [value, inverse] = standardized(input, eps);
      return { value, saved: [value, inverse] };
    },
    (dy, [y, inverse]) => standardizeGradient(dy, y, inverse),
  );
}

/** {@link standardize} without a gradient, and `1 / sqrt(variance + eps)`, `[…, 1]`. */
export function standardized<T extends tf.Tensor>(x: T, eps: number): [T, tf.Tensor] {
  if (!hasFusedKernel('standardize')) return tf.tidy(() => composed(x, eps)) as [T, tf.Tensor];
  const [y, inverse, mean] = runFusedKernel<tf.Tensor[]>('standardize', { x }, { epsilon: eps });
  mean.dispose();
  return [y as T, inverse];
}

function composed(x: tf.Tensor, eps: number): [tf.Tensor, tf.Tensor] {
  const centered = x.sub(x.mean(-1, true));
  const variance = centered.mul(centered).mean(-1, true); // […, 1]
  const inverse = variance.add(eps).rsqrt();
  return [centered.mul(inverse), inverse];
}

/**
 * Gradient of {@link standardize}, `(dy − mean(dy) − y · mean(dy · y)) / σ`.
 *
 * @param inverse `1 / σ`, `[…, 1]`
 * @param isCentered whether the mean of `dy` over the channels is known to be 0
 */
export function standardizeGradient(
  dy: tf.Tensor,
  y: tf.Tensor,
  inverse: tf.Tensor,
  isCentered = false,
): tf.Tensor {
  if (y.rank === 4 && isInBlocks(dy) && isInBlocks(y))
    return runFusedKernel('standardizeGradient', { dy, y, inverse }, { isCentered });
  return tf.tidy(() => {
    const along = dy.mul(y).mean(-1, true); // […, 1]
    const centered = isCentered ? dy : dy.sub(dy.mean(-1, true));
    return centered.sub(y.mul(along)).mul(inverse);
  });
}

/**
 * Layer normalization over channels.
 *
 * @param x `[…, C]`
 * @returns `[…, C]`
 * @throws ShapeError if the last axis is not `C`
 * @see https://arxiv.org/abs/1607.06450
 */
export function layerNorm<T extends tf.Tensor>(x: T, { weight, bias }: NormParams, eps: number): T {
  assertShape('layerNorm', { shape: x.shape.slice(-1) }, [weight.size]);
  if (x.rank === 4 && isInBlocks(x)) return blockedLayerNorm(x, { weight, bias }, eps) as T;
  if (hasFusedKernel('standardize') && !prefersStandardOperators())
    return fusedLayerNorm(x, weight, bias, eps);
  return tf.tidy(() => standardize(x, eps).mul(weight).add(bias) as T);
}

/** {@link layerNorm} of a map that is held in the blocked layout. */
function blockedLayerNorm(x: tf.Tensor, norm: NormParams, eps: number): tf.Tensor {
  return withGradient(
    [x as tf.Tensor4D, norm.weight, norm.bias],
    (input, weight, bias) => {
      const [y, inverse] = standardized(input, eps);
      const value = channelAffine(y, perChannel(weight), { bias });
      return { value, saved: [y, inverse, weight] };
    },
    (dy, [y, inverse, weight]) =>
      tf.tidy(() => {
        const given = inBlocks(dy);
        return [
          standardizeGradient(channelAffine(given, perChannel(weight)), y, inverse),
          channelDot(given, y, [0, 1, 2]).reshape([-1]),
          given.sum([0, 1, 2]),
        ];
      }),
  );
}

const perChannel = (vector: tf.Tensor1D): tf.Tensor4D => vector.reshape([1, 1, 1, -1]);

/** {@link layerNorm} as one kernel. */
function fusedLayerNorm<T extends tf.Tensor>(
  x: T,
  scale: tf.Tensor1D,
  shift: tf.Tensor1D,
  eps: number,
): T {
  return withGradient(
    [x, scale, shift],
    (input, weight, bias) => {
      const inputs = { x: input, weight, bias };
      const [y, inverse, mean] = runFusedKernel<[T, tf.Tensor, tf.Tensor]>('standardize', inputs, {
        epsilon: eps,
      });
      return { value: y, saved: [input, weight, inverse, mean] };
    },
    (dy, [input, weight, inverse, mean]) =>
      tf.tidy(() => {
        const standard = input.sub(mean).mul(inverse);
        const rows = [...dy.shape.keys()].slice(0, -1);
        return [
          standardizeGradient(dy.mul(weight), standard, inverse),
          dy.mul(standard).sum(rows),
          dy.sum(rows),
        ];
      }),
  );
}
