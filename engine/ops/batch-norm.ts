import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';
import type { NormParams } from './layer-norm.js';
import { withoutGradient } from './losses.js';

/** Mean and (biased) variance per channel, both `[C]`. */
export interface Moments {
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalization with the statistics of the batch, as in training.
 *
 * @param x `[N, H, W, C]`
 * @param fractions `[1, N·H·W]`, weight of every position in the statistics; sums to 1. Equal weights by default
 * @returns `y` `[N, H, W, C]` and the batch's moments `[C]`
 * @throws ShapeError unless there are `C` parameters and, if any, `N·H·W` fractions
 */
export function batchNormTraining(
  x: tf.Tensor4D,
  { weight, bias }: NormParams,
  eps: number,
  fractions?: tf.Tensor2D,
): { readonly y: tf.Tensor4D; readonly moments: Moments } {
  assertSizes('batchNormTraining', x, weight, fractions);
  return tf.tidy(() => {
    const average = averaging(x.shape, fractions);
    const mean = average(x); // [C]
    const centered = x.sub(mean);
    const variance = average(centered.mul(centered)); // [C]
    const y = centered.mul(weight.mul(variance.add(eps).rsqrt())).add(bias) as tf.Tensor4D;
    return { y, moments: { mean, variance } };
  });
}

/**
 * ReLU of {@link batchNormTraining}. Its backward pass keeps of the map only the centered one: what tells where ReLU is 0 is
 * computed again, which is faster than keeping it is large. The moments have no gradient of their own.
 *
 * @param x `[N, H, W, C]`
 * @param fractions see {@link batchNormTraining}
 * @returns `y` `[N, H, W, C]` and the batch's moments `[C]`
 * @throws ShapeError as {@link batchNormTraining}
 */
export function batchNormReluTraining(
  x: tf.Tensor4D,
  { weight, bias }: NormParams,
  eps: number,
  fractions?: tf.Tensor2D,
): { readonly y: tf.Tensor4D; readonly moments: Moments } {
  assertSizes('batchNormReluTraining', x, weight, fractions);
  const [n, h, w] = x.shape;
  return tf.tidy(() => {
    const average = averaging(x.shape, fractions);
    const mean = withoutGradient(x, average) as tf.Tensor1D;
    const variance = withoutGradient(x, (map) => average(map.sub(mean).square())) as tf.Tensor1D;
    const deviation = variance.add(eps).rsqrt(); // [C], its reciprocal
    const y = tf.customGrad((...args) => {
      const [map, factor, shift, save] = args as unknown as [
        ...[tf.Tensor4D, tf.Tensor1D, tf.Tensor1D],
        tf.GradSaveFunc,
      ];
      const centered = map.sub(mean);
      const value = tf.tidy(() => centered.mul(deviation.mul(factor)).add(shift).relu());
      const rows = fractions ? [fractions.reshape([n, h, w, 1])] : [];
      save([centered, deviation, factor, shift, ...rows]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
        tf.tidy(() => reluNormGradients(dy, saved as Parameters<typeof reluNormGradients>[1]));
      return { value, gradFunc };
    })(x, weight, bias) as tf.Tensor4D;
    return { y, moments: { mean, variance } };
  });
}

/** Gradients of the map, the weight and the bias. */
function reluNormGradients(
  dy: tf.Tensor,
  [centered, deviation, weight, bias, fractions]: [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor?,
  ],
): tf.Tensor[] {
  const scale = weight.mul(deviation); // [C]
  // A zero of the gradient: without it, a compiled graph finds this map equal to that of the forward pass and keeps it.
  const zero = dy.slice([0, 0, 0, 0], [1, 1, 1, 1]).reshape([]).mul(0);
  const g = dy.mul(centered.mul(scale.add(zero)).add(bias).step()); // [N, H, W, C]
  const total = g.sum([0, 1, 2]); // [C]
  const dot = g.mul(centered).sum([0, 1, 2]); // [C]
  const slope = dot.mul(scale).mul(deviation.square()); // [C]
  const level = total.mul(scale); // [C]
  const count = centered.size / total.size;
  const mean = fractions
    ? centered.mul(slope).add(level).mul(fractions)
    : centered.mul(slope.div(count)).add(level.div(count));
  return [g.mul(scale).sub(mean), dot.mul(deviation), total];
}

function assertSizes(
  name: string,
  x: tf.Tensor4D,
  weight: tf.Tensor1D,
  fractions: tf.Tensor2D | undefined,
): void {
  assertShape(name, x, ['N', 'H', 'W', weight.size]);
  const [n, h, w] = x.shape;
  if (fractions) assertShape(`${name} fractions`, fractions, [1, n * h * w]);
}

/** Mean over the positions, weighted by fractions: a product with their row, one pass without a masked copy of the features. */
function averaging(
  shape: readonly number[],
  fractions: tf.Tensor2D | undefined,
): (of: tf.Tensor) => tf.Tensor1D {
  const [, , , c] = shape;
  return (of) =>
    fractions ? fractions.matMul(of.reshape([-1, c])).reshape([c]) : of.mean([0, 1, 2]);
}
