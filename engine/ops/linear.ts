import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { assertShape, numElements } from '../../core/shape.js';
import type { NormParams } from './layer-norm.js';
import { blocksPay } from './lowering.js';
import { pointwiseLinear } from './pointwise.js';

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
  if (isMap(x) && blocksPay(x, out)) return pointwiseLinear(x, weight, bias) as tf.Tensor as T;
  return tf.tidy(() => {
    const a = x.reshape([numElements(x.shape) / channels, channels]) as tf.Tensor2D; // [rows, in]
    const y = tf.fused.matMul({ a, b: weight, bias });
    return y.reshape([...x.shape.slice(0, -1), out]) as T; // […, out]
  });
}

const isMap = (x: tf.Tensor): x is tf.Tensor4D => x.rank === 4;

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
    bias: withGradient(
      [shift, weight, bias],
      (offset, matrix, b) => {
        const product = offset.reshape([1, -1]).matMul(matrix).reshape([-1]); // [out]
        return { value: product.add<tf.Tensor1D>(b), saved: [offset, matrix] };
      },
      // The outer product by broadcasting, which is faster than a matrix product.
      (dy, [offset, matrix]) =>
        tf.tidy(() => [
          matrix.matMul(dy.reshape([-1, 1])).reshape([-1]),
          offset.reshape([-1, 1]).mul(dy.reshape([1, -1])),
          dy,
        ]),
    ),
  }));
}

/** {@link foldIntoLinear} for a normalization's affine part. */
export function foldNorm({ weight, bias }: NormParams, next: LinearParams): LinearParams {
  return foldIntoLinear({ scale: weight, shift: bias }, next);
}

/**
 * Whether a function of a weight `[in, out]` costs less than the same of the activations on its wider side: folding pays
 * off for maps with many positions.
 *
 * @param x `[N, H, W, C]`
 */
export function foldingPays(x: tf.Tensor4D, { weight }: LinearParams): boolean {
  const [n, h, w] = x.shape;
  return n * h * w >= Math.max(...weight.shape);
}
