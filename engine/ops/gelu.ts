import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { hasFusedKernel, runFusedKernel } from './fused-kernels.js';
import { isInBlocks } from './lowering.js';

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
  return withGradient(
    [x],
    (h) => ({ value: geluValue(h), saved: [h] }),
    (dy, [h]) =>
      tf.tidy(() => {
        const { factor, slope } = geluSlope(h);
        return dy.mul(factor).mul(slope);
      }),
  );
}

/** GELU without a gradient. */
export function geluValue<T extends tf.Tensor>(x: T): T {
  if (hasFusedKernel('gelu')) return runFusedKernel<T>('gelu', { x }, { again: false });
  return tf.tidy(() => x.mul(x.mul(INVERSE_ROOT_2).erf().add(1).mul(0.5)) as T);
}

/** {@link geluValue} for a backward pass: a captured graph recomputes it instead of keeping the first result. */
export function geluAgain<T extends tf.Tensor>(x: T): T {
  if (hasFusedKernel('gelu')) return runFusedKernel<T>('gelu', { x }, { again: true });
  return geluValue(x);
}

/** Derivative of GELU as a product, `factor · slope`: callers multiply the factor into something small. */
interface GeluSlope {
  readonly factor: number;
  /** The shape of `x`. */
  readonly slope: tf.Tensor;
}

/**
 * Derivative of GELU. With `t = x / √2` it is `½ (1 + erf t + 2/√π · t e^(−t²))`; where a kernel computes it in the blocked
 * layout, the constant of the last term is in the factor.
 */
export function geluSlope(x: tf.Tensor): GeluSlope {
  if (isInBlocks(x))
    return { factor: 1 / Math.sqrt(Math.PI), slope: runFusedKernel('geluSlope', { x }) };
  const slope = tf.tidy(() => {
    const t = x.mul(INVERSE_ROOT_2);
    const density = tf.sub(LOG_2_OVER_ROOT_PI, t.mul(t)).exp(); // 2/√π · e^(−t²)
    return t.erf().add(t.mul(density)).add(1);
  });
  return { factor: 0.5, slope };
}
