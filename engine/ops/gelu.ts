import * as tf from '@tensorflow/tfjs';
import { FUSED_KERNEL, hasFusedKernel } from './fused-kernels.js';

const INVERSE_ROOT_2 = Math.SQRT1_2;
const INVERSE_ROOT_2_PI = 1 / Math.sqrt(2 * Math.PI);

/**
 * Exact GELU, `x · Φ(x)` with the normal distribution function Φ (not the tanh approximation).
 *
 * @param x any shape
 * @returns the shape of `x`
 * @see https://arxiv.org/abs/1606.08415
 */
export function gelu<T extends tf.Tensor>(x: T): T {
  return tf.customGrad((input, save) => {
    const h = input as T;
    (save as tf.GradSaveFunc)([h]);
    const value = hasFusedKernel('gelu')
      ? tf.engine().runKernel<T>(FUSED_KERNEL.gelu, { x: h })
      : tf.tidy(() => h.mul(distribution(h)) as T);
    return { value, gradFunc: (dy: T, saved: tf.Tensor[]) => geluGradient(dy, saved[0]) };
  })(x) as T;
}

/** Φ(x) */
function distribution(x: tf.Tensor): tf.Tensor {
  return x.mul(INVERSE_ROOT_2).erf().add(1).mul(0.5);
}

/** `dy · (Φ(x) + x φ(x))` with the normal density φ. */
function geluGradient(dy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const density = x.mul(x).mul(-0.5).exp().mul(INVERSE_ROOT_2_PI);
    return dy.mul(distribution(x).add(x.mul(density)));
  });
}
