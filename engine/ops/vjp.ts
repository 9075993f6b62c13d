import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';

/**
 * Scalar 0 whose gradients are vector-Jacobian products: differentiating it continues a backward pass that arrived at `y` by
 * other means. As the value does not depend on `y`, a compiled graph computes of the forward pass only what the backward
 * pass needs.
 *
 * @param cotangent gradient of the loss with respect to `y`, of the shape of `y`
 * @throws ShapeError unless the shapes are equal
 */
export function vjp(y: tf.Tensor, cotangent: tf.Tensor): tf.Scalar {
  assertShape('vjp', cotangent, y.shape);
  return withGradient(
    [y],
    () => ({ value: tf.scalar(0), saved: [] }),
    (dy) => cotangent.mul(dy),
  );
}
