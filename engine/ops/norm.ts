import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import { layerNorm, standardize } from './layer-norm.js';
import { foldIntoLinear, type LinearParams } from './linear.js';

/** Scale and shift of a norm over channels, both `[C]`; norms of the other kinds have no shift. */
export interface ChannelNormParams {
  readonly weight: tf.Tensor1D;
  readonly bias?: tf.Tensor1D | undefined;
}

/**
 * Kind of a norm over channels. Absent: layer norm. `rms`: `x / sqrt(mean(x²) + eps)`. `simple`: `x / sqrt(s² + eps)` with
 * the sample variance `s²`, without subtracting the mean.
 */
export type NormKind = 'rms' | 'simple';

/** A norm over channels without its affine part. */
export interface NormForm {
  readonly eps: number;
  readonly kind?: NormKind | undefined;
}

/**
 * Normalizes over the last axis, without affine part.
 *
 * @param x `[…, C]`
 * @returns `[…, C]`
 * @see https://github.com/huggingface/pytorch-image-models/blob/v1.0.15/timm/layers/fast_norm.py
 */
export function normalized<T extends tf.Tensor>(x: T, { eps, kind }: NormForm): T {
  if (kind === undefined) return standardize(x, eps);
  return tf.tidy(() => {
    if (kind === 'rms') return x.mul<T>(x.square().mean(-1, true).add(eps).rsqrt());
    const channels = x.shape.at(-1) ?? 1;
    const squares = x.sub(x.mean(-1, true)).square().sum(-1, true); // […, 1]
    return x.mul<T>(
      squares
        .div(Math.max(1, channels - 1))
        .add(eps)
        .rsqrt(),
    );
  });
}

/**
 * A norm over channels with its affine part.
 *
 * @param x `[…, C]`
 * @returns `[…, C]`
 * @throws ShapeError if the last axis is not `C`
 */
export function channelNorm<T extends tf.Tensor>(
  x: T,
  { weight, bias }: ChannelNormParams,
  form: NormForm,
): T {
  assertShape('channelNorm', { shape: x.shape.slice(-1) }, [weight.size]);
  if (form.kind === undefined && bias) return layerNorm(x, { weight, bias }, form.eps);
  return tf.tidy(() => {
    const scaled = normalized(x, form).mul<T>(weight);
    return bias ? scaled.add<T>(bias) : scaled;
  });
}

/** Folds the affine part of a norm into the linear layer behind it, see {@link foldIntoLinear}. */
export function foldChannelNorm(
  { weight, bias }: ChannelNormParams,
  next: LinearParams,
): LinearParams {
  if (bias) return foldIntoLinear({ scale: weight, shift: bias }, next);
  return { weight: next.weight.mul<tf.Tensor2D>(weight.reshape([-1, 1])), bias: next.bias };
}
