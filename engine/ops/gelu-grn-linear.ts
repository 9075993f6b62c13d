import * as tf from '@tensorflow/tfjs';
import { assertShape, numElements } from '../../core/shape.js';
import { geluAgain, geluGradientHalf, geluValue } from './gelu.js';
import { responseScale, responseScaleGradient } from './grn.js';
import type { LinearParams } from './linear.js';

/** `gamma` is `[C]`, `weight` `[C, out]`, `bias` `[out]`. */
export interface GeluGrnLinearParams extends LinearParams {
  readonly gamma: tf.Tensor1D;
}

/** Over which axes the response energy is summed: each sample's positions, or those of the whole batch. */
export type EnergyAxes = readonly [1, 2] | readonly [0, 1, 2];

/**
 * `linear(a · s)` with `a = gelu(x)` and `s` the scale of global response normalization: the second half of a
 * ConvNeXt V2 block (GRN's shift belongs into the bias, see {@link foldIntoLinear}).
 *
 * One op with a gradient of its own, because these are the widest activations of the network: only `x` is kept for the
 * backward pass, `a` and `a · s` are computed again there, and the chain rule is written in the fewest passes.
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
  const outShape = [...x.shape.slice(0, 3), out];
  const rows = (y: tf.Tensor): tf.Tensor2D => {
    const columns = y.shape[3] ?? 1;
    return y.reshape([numElements(y.shape) / columns, columns]); // [N·H·W, columns]
  };
  const op = tf.customGrad((...args) => {
    const [h, g, w, b, save] = args as [
      tf.Tensor4D,
      tf.Tensor1D,
      tf.Tensor2D,
      tf.Tensor1D,
      tf.GradSaveFunc,
    ];
    const [value, energy] = tf.tidy((): [tf.Tensor, tf.Tensor4D] => {
      const a = geluValue(h);
      const total = a.mul(a).sum<tf.Tensor4D>([...axes], true); // [N or 1, 1, 1, C]
      const scaled = rows(a.mul(responseScale(total, g, eps)));
      return [tf.fused.matMul({ a: scaled, b: w, bias: b }).reshape(outShape), total];
    });
    save([h, g, w, energy]);
    return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy, saved) };
  });

  const gradient = (dy: tf.Tensor, saved: readonly tf.Tensor[]): tf.Tensor[] => {
    const [h, g, w, energy] = saved as [tf.Tensor4D, tf.Tensor1D, tf.Tensor2D, tf.Tensor4D];
    return tf.tidy(() => {
      const a = geluAgain(h);
      const scale = responseScale(energy, g, eps); // [N or 1, 1, 1, C]
      const dz = rows(dy);
      // The factors in the other order: a graph would otherwise keep the forward pass's product all the way.
      const dw = tf.matMul(rows(scale.mul(a)), dz, true); // [C, out]
      const db = dz.sum(0); // [out]
      const dScaled = tf.matMul(dz, w, false, true).reshape(h.shape); // [N, H, W, C]
      const dScale = dScaled.mul(a).sum<tf.Tensor4D>([...axes], true); // [N or 1, 1, 1, C]
      const { dEnergy, dGamma } = responseScaleGradient(dScale, energy, g, eps);
      // Half of da = dScaled · s + 2 a dE: the factor 2 comes back with gelu's derivative.
      const halfDa = dScaled.mul(scale.mul(0.5)).add(a.mul(dEnergy));
      return [geluGradientHalf(halfDa, h), dGamma, dw, db];
    });
  };
  return op(x, gamma, weight, bias) as tf.Tensor4D;
}
