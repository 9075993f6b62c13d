import * as tf from '../tfjs.js';
import { runFusedKernel } from './fused-kernels.js';
import { isInBlocks } from './lowering.js';

/** Axes over which a channel is summed: the positions of each sample, or of the whole batch. */
export type PositionAxes = readonly [1, 2] | readonly [0, 1, 2];

/**
 * Dot products over the positions of every channel, `Σ a · b`, without a gradient of its own.
 *
 * @param a `[N, H, W, C]`
 * @param b the same
 * @returns `[N or 1, 1, 1, C]`
 */
export function channelDot(
  a: tf.Tensor4D,
  b: tf.Tensor4D,
  axes: PositionAxes = [1, 2],
): tf.Tensor4D {
  if (isInBlocks(a)) return runFusedKernel('channelDot', { a, b }, { total: axes.length === 3 });
  return tf.tidy(() => a.mul<tf.Tensor4D>(b).sum([...axes], true));
}

/** Optional terms of {@link channelAffine}. */
interface AffineTerms {
  /** `[C]` */
  readonly bias?: tf.Tensor1D | undefined;
  /** `[N, H, W, C]` */
  readonly add?: tf.Tensor4D | undefined;
}

/**
 * `a · scale + bias + add` with a scale per channel, without a gradient of its own.
 *
 * @param a `[N, H, W, C]`
 * @param scale `[N or 1, 1, 1, C]`
 * @returns `[N, H, W, C]`
 */
export function channelAffine(
  a: tf.Tensor4D,
  scale: tf.Tensor4D,
  { bias, add }: AffineTerms = {},
): tf.Tensor4D {
  if (isInBlocks(a)) return runFusedKernel('channelAffine', { a, scale, bias, add });
  return tf.tidy(() => {
    const scaled = a.mul<tf.Tensor4D>(scale);
    const shifted = bias ? scaled.add<tf.Tensor4D>(bias) : scaled;
    return add ? shifted.add<tf.Tensor4D>(add) : shifted;
  });
}
