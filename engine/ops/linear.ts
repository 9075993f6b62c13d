import * as tf from '@tensorflow/tfjs';
import { assertShape, numElements } from '../../core/shape.js';
import type { NormParams } from './layer-norm.js';

/** `weight` is `[in, out]`, `bias` `[out]`. */
export interface LinearParams {
  readonly weight: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
}

/**
 * `x · weight + bias` over the last axis: a fully connected layer, or a 1×1 convolution.
 *
 * @param x `[…, in]`
 * @returns `[…, out]`
 * @throws ShapeError if the last axis is not `in`
 */
export function linear<T extends tf.Tensor>(x: T, { weight, bias }: LinearParams): T {
  const [channels, out] = weight.shape;
  assertShape('linear', { shape: x.shape.slice(-1) }, [channels]);
  return tf.tidy(() => {
    const a = x.reshape([numElements(x.shape) / channels, channels]) as tf.Tensor2D; // [rows, in]
    const y = tf.fused.matMul({ a, b: weight, bias });
    return y.reshape([...x.shape.slice(0, -1), out]) as T; // […, out]
  });
}

/**
 * Folds a per-channel scale and shift into the linear layer that follows:
 * `(x ∘ scale + shift) · W + b = x · (scale ∘ W) + (b + shift · W)`. Exact; saves two passes over the activations in each
 * direction.
 *
 * @param scale `[in]`, or none
 * @param shift `[in]`
 */
export function foldIntoLinear(
  { scale, shift }: { readonly scale?: tf.Tensor1D; readonly shift: tf.Tensor1D },
  { weight, bias }: LinearParams,
): LinearParams {
  return tf.tidy(() => ({
    weight: (scale ? weight.mul(scale.reshape([-1, 1])) : weight.clone()) as tf.Tensor2D, // [in, out]
    bias: shift.reshape([1, -1]).matMul(weight).reshape([-1]).add(bias) as tf.Tensor1D, // [out]
  }));
}

/** {@link foldIntoLinear} for a normalization's affine part. */
export function foldNorm({ weight, bias }: NormParams, next: LinearParams): LinearParams {
  return foldIntoLinear({ scale: weight, shift: bias }, next);
}
