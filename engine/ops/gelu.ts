import * as tf from '@tensorflow/tfjs';
import { FUSED_KERNEL, hasFusedKernel } from './fused-kernels.js';

const INVERSE_ROOT_2 = Math.SQRT1_2;
const LOG_2_OVER_ROOT_PI = Math.log(2 / Math.sqrt(Math.PI));

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
    return {
      value: geluValue(h),
      gradFunc: (dy: T, saved: tf.Tensor[]) =>
        tf.tidy(() => geluGradientHalf(dy.mul(0.5), saved[0])),
    };
  })(x) as T;
}

/** GELU without a gradient. */
export function geluValue<T extends tf.Tensor>(x: T): T {
  if (hasFusedKernel('gelu'))
    return tf.engine().runKernel<T>(FUSED_KERNEL.gelu, { x }, { again: false });
  return tf.tidy(() => x.mul(x.mul(INVERSE_ROOT_2).erf().add(1).mul(0.5)) as T);
}

/** {@link geluValue} for a backward pass: a captured graph recomputes it instead of keeping the first result. */
export function geluAgain<T extends tf.Tensor>(x: T): T {
  if (hasFusedKernel('gelu'))
    return tf.engine().runKernel<T>(FUSED_KERNEL.gelu, { x }, { again: true });
  return geluValue(x);
}

/**
 * `2 · halfDy · gelu'(x)`. With `t = x / √2` the derivative is `½ (1 + erf t + 2/√π · t e^(−t²))`; callers halve `dy`
 * where this costs nothing.
 */
export function geluGradientHalf(halfDy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const t = x.mul(INVERSE_ROOT_2);
    const density = tf.sub(LOG_2_OVER_ROOT_PI, t.mul(t)).exp(); // 2/√π · e^(−t²)
    return halfDy.mul(t.erf().add(t.mul(density)).add(1));
  });
}
