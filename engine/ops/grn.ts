import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import { channelDot } from './channels.js';

/** `gamma` and `beta` are `[C]`. */
export interface GrnParams {
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
}

/** Keeps the gradient finite where a channel is zero everywhere: the slope of √ is infinite there. */
const SMALLEST_ENERGY = 1e-30;

/**
 * Computes the energy of every channel, `Σ x²` over the positions.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, 1, 1, C]`
 */
export function channelEnergy(x: tf.Tensor4D): tf.Tensor4D {
  // Custom gradient `2 x dy`: one pass instead of two for Σ and ².
  return withGradient(
    [x],
    (h) => ({ value: channelDot(h, h), saved: [h] }),
    (dy, [h]) => h.mul(dy.mul(2)),
  );
}

/**
 * Computes the factor by which GRN scales each channel: `γ · N + 1` with `N = G / (mean G + eps)` and `G` the channel's
 * 2-norm over the positions.
 *
 * @param energy `[N, 1, 1, C]`, `G²`
 * @param gamma `[C]`
 * @returns `[N, 1, 1, C]`
 */
export function grnScale(energy: tf.Tensor4D, gamma: tf.Tensor1D, eps: number): tf.Tensor4D {
  return tf.tidy(() => {
    const norm = energy.maximum(SMALLEST_ENERGY).sqrt(); // [N, 1, 1, C]
    const relative = norm.div(norm.mean(-1, true).add(eps)); // [N, 1, 1, C]
    return relative.mul(gamma).add(1);
  });
}

/**
 * Gradient of {@link grnScale}. A channel that is zero everywhere gets 0.
 *
 * @param dScale `[N, 1, 1, C]`
 * @param energy `[N, 1, 1, C]`
 * @returns `dEnergy` `[N, 1, 1, C]`, `dGamma` `[C]`
 */
export function grnScaleGradient(
  dScale: tf.Tensor4D,
  energy: tf.Tensor4D,
  gamma: tf.Tensor1D,
  eps: number,
): { readonly dEnergy: tf.Tensor4D; readonly dGamma: tf.Tensor1D } {
  return tf.tidy(() => {
    const norm = energy.maximum(SMALLEST_ENERGY).sqrt(); // G
    const divisor = norm.mean(-1, true).add(eps); // [N, 1, 1, 1]
    const relative = norm.div(divisor); // N = G / (mean G + eps)
    const dRelative = dScale.mul(gamma);
    // dG = (dN − mean(dN · N)) / (mean G + eps), dE = dG / 2G
    const dNorm = dRelative.sub(dRelative.mul(relative).mean(-1, true)).div(divisor);
    const isLive = energy.greater(SMALLEST_ENERGY).cast('float32');
    return {
      dEnergy: dNorm.div(norm.mul(2)).mul(isLive) as tf.Tensor4D,
      dGamma: dScale.mul(relative).sum([0, 1, 2]) as tf.Tensor1D,
    };
  });
}

/**
 * Global response normalization: scales each channel by its norm relative to the mean norm of all channels,
 * `γ (x · N) + β + x`. Residual, so zero-initialized parameters give the identity. A channel that is zero everywhere gets
 * the subgradient 0.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, C]`
 * @throws ShapeError if the last axis is not `C`
 * @see ConvNeXt V2, section 3: https://arxiv.org/abs/2301.00808
 */
export function grn(x: tf.Tensor4D, { gamma, beta }: GrnParams, eps: number): tf.Tensor4D {
  assertShape('grn', x, ['N', 'H', 'W', gamma.size]);
  return tf.tidy(() => x.mul(grnScale(channelEnergy(x), gamma, eps)).add(beta));
}
