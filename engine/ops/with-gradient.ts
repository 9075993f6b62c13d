import * as tf from '../tfjs.js';

/** Several tensors, inferred as a tuple. */
type Tensors = tf.Tensor[] | [];

/**
 * An op with a gradient of its own: tfjs's `customGrad`, with types.
 *
 * @param op returns the value, and the tensors that the gradient needs
 * @param gradient returns the gradients of the inputs, from that of the value
 */
export function withGradient<Inputs extends Tensors, Saved extends Tensors, Y extends tf.Tensor>(
  inputs: Inputs,
  op: (...inputs: NoInfer<Inputs>) => { readonly value: Y; readonly saved: Saved },
  gradient: (dy: Y, saved: Saved) => tf.Tensor | tf.Tensor[],
): Y {
  return tf.customGrad((...args) => {
    const { value, saved } = op(...(args.slice(0, -1) as Inputs));
    (args.at(-1) as unknown as tf.GradSaveFunc)(saved);
    const gradFunc = (dy: tf.Tensor, kept: tf.Tensor[]): tf.Tensor | tf.Tensor[] =>
      gradient(dy as Y, kept as Saved);
    return { value, gradFunc };
  })(...inputs) as Y;
}
