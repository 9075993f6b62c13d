import * as tf from '@tensorflow/tfjs';
import { assertShape } from '../../core/shape.js';

/**
 * A scalar 0 whose gradient with respect to `x` is `gradient`: differentiating it continues a backward pass that came to `x`
 * by other means. As the value does not depend on `x`, a compiled graph computes of the forward pass only what
 * the backward pass needs.
 *
 * @param gradient the shape of `x`
 * @throws ShapeError unless the shapes are equal
 */
export function seedGradient(x: tf.Tensor, gradient: tf.Tensor): tf.Scalar {
  assertShape('seedGradient', gradient, x.shape);
  return tf.customGrad(() => ({
    value: tf.scalar(0),
    gradFunc: (dy: tf.Tensor) => gradient.mul(dy),
  }))(x) as tf.Scalar;
}
