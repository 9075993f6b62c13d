import * as tf from '@tensorflow/tfjs';
import { assertShape } from '../../core/shape.js';

/**
 * Cross-entropy against target distributions, `mean over N of Σ_k −t_k log p_k`.
 *
 * @param logits `[N, K]`
 * @param targets `[N, K]`, rows sum to 1: one-hot, smoothed or mixed labels
 * @returns scalar
 */
export function softTargetCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  assertShape('softTargetCrossEntropy', targets, logits.shape);
  return tf.tidy(() => targets.mul(tf.logSoftmax(logits)).sum().div(-logits.shape[0]).asScalar());
}

/**
 * Cross-entropy against class indices, summed over the rows that are not ignored. Ignored rows contribute neither loss
 * nor gradient. Callers divide by the normalizer of their method.
 *
 * @param logits `[R, K]`
 * @param labels int32 `[R]`: `0 … K − 1`; rows with any other value are ignored
 * @param weights `[R]`
 * @returns scalar
 * @throws ShapeError if the length of labels or weights differs
 */
export function crossEntropySum(
  logits: tf.Tensor2D,
  labels: tf.Tensor1D,
  weights?: tf.Tensor1D,
): tf.Scalar {
  assertShape('crossEntropySum', labels, [logits.shape[0]]);
  if (weights) assertShape('crossEntropySum', weights, [logits.shape[0]]);
  return tf.tidy(() => {
    const target = oneHotRows(labels, logits.shape[1]); // [R, K]
    const terms = target.mul(tf.logSoftmax(logits)); // [R, K]
    return (weights ? terms.mul(weights.expandDims(1)) : terms).sum().neg().asScalar();
  });
}

/**
 * 1 at the class of every row; zeros for labels that are no class.
 *
 * @param labels int32 `[R]`
 * @returns `[R, K]`
 */
export function oneHotRows(labels: tf.Tensor1D, numClasses: number): tf.Tensor2D {
  const classes = tf.tensor1d(Int32Array.from({ length: numClasses }, (_, k) => k));
  return labels.expandDims(1).equal(classes).cast('float32');
}

/**
 * Binary cross-entropy of logits, `max(x, 0) − x t + log(1 + e^−|x|)`, per element.
 *
 * @param logits any shape
 * @param targets the same shape, 0 to 1
 * @returns the same shape
 */
export function sigmoidCrossEntropy<T extends tf.Tensor>(logits: T, targets: T): T {
  assertShape('sigmoidCrossEntropy', targets, logits.shape);
  return tf.tidy(
    () => logits.relu().sub(logits.mul(targets)).add(logits.abs().neg().exp().log1p()) as T,
  );
}

/** `|a − b|` per element; the gradient at 0 is 0. */
export function l1<T extends tf.Tensor>(predicted: T, target: T): T {
  assertShape('l1', target, predicted.shape);
  return tf.tidy(() => distance(predicted.sub(target)));
}

/** |d| with gradient 0 at 0, where tfjs has −1. */
function distance<T extends tf.Tensor>(difference: T): T {
  return tf.customGrad((input, save) => {
    const d = input as T;
    (save as tf.GradSaveFunc)([d]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      tf.tidy(() => dy.mul(saved[0].sign()));
    return { value: d.abs(), gradFunc };
  })(difference) as T;
}

/**
 * Smooth L1 per element: `d² / 2β` below β, `|d| − β / 2` above.
 *
 * @see https://arxiv.org/abs/1504.08083
 */
export function smoothL1<T extends tf.Tensor>(predicted: T, target: T, beta: number): T {
  assertShape('smoothL1', target, predicted.shape);
  return tf.tidy(() => {
    const d = distance(predicted.sub(target));
    const inner = d.minimum(beta); // the quadratic term, saturating at β
    return inner
      .mul(inner)
      .mul(0.5 / beta)
      .add(d.sub(inner)) as T;
  });
}
