import * as tf from '@tensorflow/tfjs';
import { assertShape, numElements } from '../../core/shape.js';
import { geluAgain, geluGradientHalf, geluValue } from './gelu.js';
import { grnScale, grnScaleGradient } from './grn.js';
import type { LinearParams } from './linear.js';

/** `gamma` is `[C]`, `weight` `[C, out]`, `bias` `[out]`. */
interface GeluGrnLinearParams extends LinearParams {
  readonly gamma: tf.Tensor1D;
}

/** Up to this number of activations per sample, `a` is kept for the backward pass: 1 % less time, more memory. */
const KEPT_PER_SAMPLE = 2 ** 21;

/** Axes over which a channel's energy is summed: the positions of each sample, or of the whole batch. */
export type EnergyAxes = readonly [1, 2] | readonly [0, 1, 2];

/**
 * `linear(a · s)` with `a = gelu(x)` and `s` the scale of global response normalization: the second half of a ConvNeXt V2
 * block (with GRN's shift folded into the bias, see {@link foldIntoLinear}).
 *
 * One op with a custom gradient, because these are the widest activations of the network: for large images only `x` is
 * kept for the backward pass, where `a` is recomputed, and the gradient takes as few passes as possible. The scale is
 * multiplied into the smaller operand: the activations, or one copy of the weight per sample.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, H, W, out]`
 * @throws ShapeError if the last axis is not `C`
 * @see ConvNeXt V2, section 3: https://arxiv.org/abs/2301.00808
 */
export function geluGrnLinear(
  x: tf.Tensor4D,
  { gamma, weight, bias }: GeluGrnLinearParams,
  eps: number,
  axes: EnergyAxes = [1, 2],
): tf.Tensor4D {
  const [channels, out] = weight.shape;
  assertShape('geluGrnLinear', x, ['N', 'H', 'W', channels]);
  assertShape('geluGrnLinear gamma', gamma, [channels]);
  const [n, h, w] = x.shape;
  const product = axes.length === 2 && h * w > 2 * out ? scaledWeights : scaledActivations;
  const op = tf.customGrad((...args) => {
    const [input, g, matrix, b, save] = args as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor2D,
      tf.Tensor1D,
      tf.GradSaveFunc,
    ];
    const [value, energy] = tf.tidy((): [tf.Tensor, tf.Tensor4D] => {
      const a = geluValue(input);
      const total = a.mul(a).sum<tf.Tensor4D>([...axes], true); // [N or 1, 1, 1, C]
      const y = product.value(a, grnScale(total, g, eps), matrix, b);
      return [y.reshape([n, h, w, out]), total];
    });
    save([input, g, matrix, energy]);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy, saved) };
  });

  const gradient = (dy: tf.Tensor, saved: readonly tf.Tensor[]): tf.Tensor[] => {
    const [input, g, matrix, energy] = saved as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor2D,
      tf.Tensor4D,
    ];
    return tf.tidy(() => {
      const a = h * w * channels > KEPT_PER_SAMPLE ? geluAgain(input) : geluValue(input);
      const scale = grnScale(energy, g, eps); // [N or 1, 1, 1, C]
      const { dWeight, dScale, halfDScaled } = product.gradient(
        dy as tf.Tensor4D,
        a,
        scale,
        matrix,
      );
      const { dEnergy, dGamma } = grnScaleGradient(dScale, energy, g, eps);
      // Half of da = dScaled · s + 2 a dE; `geluGradientHalf` multiplies by 2.
      const halfDa = halfDScaled.add(a.mul(dEnergy));
      return [geluGradientHalf(halfDa, input), dGamma, dWeight, rows(dy).sum(0)];
    });
  };
  return op(x, gamma, weight, bias) as tf.Tensor4D;
}

/** `(a · s) · W + b` and the parts of its gradient. `a` is `[N, H, W, C]`, `s` `[N or 1, 1, 1, C]`. */
interface ScaledProduct {
  value(a: tf.Tensor4D, scale: tf.Tensor4D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor;
  gradient(
    dy: tf.Tensor4D,
    a: tf.Tensor4D,
    scale: tf.Tensor4D,
    weight: tf.Tensor2D,
  ): {
    /** `[C, out]` */
    readonly dWeight: tf.Tensor;
    /** The shape of `s`. */
    readonly dScale: tf.Tensor4D;
    /** Half the gradient of `a` for constant `s`, `[N, H, W, C]`. */
    readonly halfDScaled: tf.Tensor;
  };
}

/** For few positions: computes `a · s`. */
const scaledActivations: ScaledProduct = {
  value: (a, scale, weight, bias) => tf.fused.matMul({ a: rows(a.mul(scale)), b: weight, bias }),
  gradient: (dy, a, scale, weight) => {
    const axes = scale.shape[0] === a.shape[0] ? [1, 2] : [0, 1, 2];
    const dz = rows(dy);
    const dScaled = tf.matMul(dz, weight, false, true).reshape(a.shape);
    return {
      // The factors in reverse order: otherwise a captured graph would reuse, and therefore keep, the forward pass's
      // product.
      dWeight: tf.matMul(rows(scale.mul(a)), dz, true),
      dScale: dScaled.mul(a).sum(axes, true),
      halfDScaled: dScaled.mul(scale.mul(0.5)),
    };
  },
};

/**
 * For many positions: computes a weight per sample, `s · W` `[N, C, out]`. With `aᵀ dz` of every sample, the gradients of
 * weight and scale need no pass over the activations.
 */
const scaledWeights: ScaledProduct = {
  value: (a, scale, weight, bias) => tf.matMul(samples(a), columns(scale).mul(weight)).add(bias),
  gradient: (dy, a, scale, weight) => {
    const [dz, perChannel] = [samples(dy), columns(scale)];
    const products = tf.matMul(samples(a), dz, true); // [N, C, out]
    return {
      dWeight: products.mul(perChannel).sum(0),
      dScale: products.mul(weight).sum(-1).reshape(scale.shape),
      halfDScaled: tf.matMul(dz, perChannel.mul(0.5).mul(weight), false, true).reshape(a.shape),
    };
  },
};

/** `[N, H, W, C]` to `[N·H·W, C]`. */
function rows(x: tf.Tensor): tf.Tensor2D {
  const channels = x.shape[3] ?? 1;
  return x.reshape([numElements(x.shape) / channels, channels]);
}

/** `[N, H, W, C]` to `[N, H·W, C]`. */
function samples(x: tf.Tensor4D): tf.Tensor3D {
  const [n, h, w, channels] = x.shape;
  return x.reshape([n, h * w, channels]);
}

/** `[N, 1, 1, C]` to `[N, C, 1]`. */
function columns(scale: tf.Tensor4D): tf.Tensor3D {
  return scale.reshape([scale.shape[0], scale.shape[3], 1]);
}
