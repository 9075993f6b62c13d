import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { assertShape } from '../../core/shape.js';

/** Changes of {@link softTargetCrossEntropy}. */
export interface SoftTargetOptions {
  /** `[K]`, factors of the classes' terms; default: 1. */
  readonly classWeights?: readonly number[] | undefined;
  /** γ of the focal loss, `(1 − p_k)^γ` times every term; default: 0. */
  readonly focalGamma?: number | undefined;
}

/**
 * Cross-entropy against target distributions, `mean over N of Σ_k −w_k t_k (1 − p_k)^γ log p_k`; w is 1 and γ is 0 unless
 * given.
 *
 * @param logits `[N, K]`
 * @param targets `[N, K]`, rows sum to 1: one-hot, smoothed or mixed labels
 * @returns scalar
 * @throws ShapeError if the targets or the class weights have another shape
 */
export function softTargetCrossEntropy(
  logits: tf.Tensor2D,
  targets: tf.Tensor2D,
  { classWeights, focalGamma = 0 }: SoftTargetOptions = {},
): tf.Scalar {
  assertShape('softTargetCrossEntropy', targets, logits.shape);
  return tf.tidy(() => {
    const logs = tf.logSoftmax(logits);
    let terms = targets.mul<tf.Tensor2D>(logs); // [N, K]
    if (focalGamma !== 0) terms = terms.mul(focalFactor(logs, focalGamma));
    if (classWeights) {
      const weights = tf.tensor1d(Float32Array.from(classWeights));
      assertShape('softTargetCrossEntropy: classWeights', weights, [logits.shape[1]]);
      terms = terms.mul(weights);
    }
    return terms.sum().div(-logits.shape[0]).asScalar();
  });
}

/** Smallest `1 − p` of the focal loss, whose power has no finite gradient at 0 for γ below 1. */
const LEAST_ERROR = 1e-7;

/**
 * `(1 − p)^γ` per element, the focal loss's factor of the cross-entropy.
 *
 * @param logs logarithms of probabilities, any shape
 * @returns the same shape; 1 for γ = 0
 * @see https://arxiv.org/abs/1708.02002
 */
export function focalFactor<T extends tf.Tensor>(logs: T, gamma: number): T {
  if (gamma === 0) return tf.onesLike(logs);
  return tf.tidy(() => {
    const error = tf.sub(1, logs.exp()).maximum(LEAST_ERROR);
    return error.log().mul(gamma).exp() as T;
  });
}

/** `f(x)` as a constant: its gradient is 0, whatever ops it has. */
export function withoutGradient<T extends tf.Tensor>(x: T, f: (x: T) => tf.Tensor): tf.Tensor {
  return withGradient(
    [x],
    (input) => ({ value: tf.tidy(() => f(input)), saved: [] }),
    () => tf.zerosLike(x),
  );
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
  return withGradient(
    [difference],
    (d) => ({ value: d.abs<T>(), saved: [d] }),
    (dy, [d]) => tf.tidy(() => dy.mul(d.sign())),
  );
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
