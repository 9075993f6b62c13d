import * as tf from '@tensorflow/tfjs';
import { assertShape } from '../../core/shape.js';
import { FUSED_KERNEL, hasFusedKernel } from './fused-kernels.js';

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
  return tf.customGrad((input, saveAny) => {
    const save = saveAny as tf.GradSaveFunc;
    const [y, inverse] = hasFusedKernel('standardize')
      ? tf
          .engine()
          .runKernel<tf.Tensor[]>(FUSED_KERNEL.standardize, { x: input as T }, { epsilon: eps })
      : tf.tidy(() => composed(input as T, eps));
    save([y, inverse]);
    return {
      value: y,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy, saved[0], saved[1]),
    };
  })(x) as T;
}

function composed(x: tf.Tensor, eps: number): [tf.Tensor, tf.Tensor] {
  const centered = x.sub(x.mean(-1, true));
  const variance = centered.mul(centered).mean(-1, true); // […, 1]
  const inverse = variance.add(eps).rsqrt();
  return [centered.mul(inverse), inverse];
}

/** `(dy − mean(dy) − y · mean(dy · y)) / σ` */
function gradient(dy: tf.Tensor, y: tf.Tensor, inverse: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const along = dy.mul(y).mean(-1, true); // […, 1]
    return dy.sub(dy.mean(-1, true)).sub(y.mul(along)).mul(inverse);
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
  return tf.tidy(() => standardize(x, eps).mul(weight).add(bias) as T);
}
