import * as tf from '../engine/tfjs.js';
import * as t from '../core/schema.js';
import { assertShape } from '../core/shape.js';
import { focalFactor, oneHotRows, withoutGradient } from '../engine/ops/losses.js';
import { resizeBilinear } from '../engine/ops/resize.js';
import { pixelCrossEntropy } from './pixel-cross-entropy.js';

/** Sampler of hard pixels. */
const HardPixels = t.record({
  /** Pixels whose probability of the label is below this are kept: 0.7. */
  threshold: t.FRACTION,
  /** Number of pixels of an image that are kept at least, those of lowest probability: 100,000. */
  minKept: t.whole(0),
});
type HardPixels = t.Infer<typeof HardPixels>;

/** Changes of the cross-entropy of pixels, for classes that are rare or objects that are thin. */
export const PixelLoss = t.record({
  /** Weights of the classes by index, as in PyTorch's `cross_entropy`; default: 1. */
  classWeights: t.optional(t.list(t.NON_NEGATIVE)),
  /** Focusing parameter γ of the focal loss, `(1 − p)^γ` times the cross-entropy: 2; default: 0. */
  focalGamma: t.optional(t.NON_NEGATIVE),
  /** Online hard example mining; default: all pixels count. */
  hardPixels: t.optional(HardPixels),
  /** Weight of a Dice term, the mean over the classes in the batch; default: 0. */
  diceWeight: t.optional(t.NON_NEGATIVE),
});
export type PixelLoss = t.Infer<typeof PixelLoss>;

/** Keeps a class without pixels in the batch finite. */
const DICE_EPS = 1e-3;

/**
 * Loss of logits upsampled to the labels' size: their cross-entropy, with the changes of `options`. Divided by the number
 * of all pixels, as in mmsegmentation.
 *
 * @param logits `[N, h, w, K]`
 * @param labels int32 `[N, H, W]`: 0 … K − 1; other values are ignored
 * @returns scalar
 * @throws ShapeError if the number of images or of class weights differs
 * @see https://github.com/open-mmlab/mmsegmentation/blob/v1.2.2/mmseg/structures/sampler/ohem_pixel_sampler.py
 * @see focal loss: https://arxiv.org/abs/1708.02002; V-Net's Dice loss: https://arxiv.org/abs/1606.04797
 */
export function pixelLoss(
  logits: tf.Tensor4D,
  labels: tf.Tensor3D,
  options: PixelLoss = {},
): tf.Scalar {
  const { classWeights, focalGamma = 0, hardPixels, diceWeight = 0 } = options;
  if (!classWeights && focalGamma === 0 && !hardPixels && diceWeight === 0)
    return pixelCrossEntropy(logits, labels);
  const [n, , , k] = logits.shape;
  assertShape('pixelLoss', labels, [n, 'H', 'W']);
  const [, height, width] = labels.shape;
  return tf.tidy(() => {
    const large = resizeBilinear(logits, [height, width]).reshape<tf.Tensor2D>([-1, k]);
    const target = oneHotRows(labels.reshape([-1]), k); // [R, K], zeros where ignored
    const isLabeled = target.sum<tf.Tensor1D>(1); // [R]
    const logOfLabel = target.mul(tf.logSoftmax(large)).sum<tf.Tensor1D>(1); // [R]
    let losses: tf.Tensor = logOfLabel.neg().mul(focalFactor(logOfLabel, focalGamma));
    if (classWeights) {
      const weights = tf.tensor2d(Float32Array.from(classWeights), [classWeights.length, 1]);
      assertShape('pixelLoss: classWeights', weights, [k, 1]);
      losses = losses.mul(tf.matMul(target, weights).reshape([-1]));
    }
    if (hardPixels) {
      const minKept = hardPixels.minKept * n;
      losses = losses.mul(
        withoutGradient(logOfLabel, (log) =>
          hardest(log.exp().mul(isLabeled), isLabeled, { ...hardPixels, minKept }),
        ),
      );
    }
    const mean = losses.sum().div<tf.Scalar>(labels.size);
    if (diceWeight === 0) return mean;
    const dice = diceLoss(tf.softmax(large).mul(isLabeled.expandDims(1)), target);
    return mean.add<tf.Scalar>(dice.mul(diceWeight));
  });
}

/**
 * Marks the pixels whose probability is below the threshold, or below that of the hardest pixel beyond the first
 * `minKept` if it is higher.
 *
 * @param probabilities `[R]`, of the labels
 * @param isLabeled `[R]`, 0 or 1
 * @returns `[R]`, 0 or 1
 */
function hardest(
  probabilities: tf.Tensor1D,
  isLabeled: tf.Tensor1D,
  { threshold, minKept }: HardPixels,
): tf.Tensor1D {
  const highest = probabilities.max();
  const last = tf.minimum(tf.scalar(minKept), isLabeled.sum().sub(1)); // position from 0
  // Bisection between numbers that at most so many probabilities reach, and that more do. Below the threshold it does not
  // matter.
  const start = tf.scalar(threshold);
  let low: tf.Tensor = start;
  let high: tf.Tensor = tf.maximum(highest, start);
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = low.add(high).mul(0.5);
    const count = probabilities.lessEqual(middle).cast('float32').mul(isLabeled).sum();
    const isEnough = count.greater(last).cast('float32');
    high = isEnough.mul(middle).add(tf.sub(1, isEnough).mul(high));
    low = isEnough.mul(low).add(tf.sub(1, isEnough).mul(middle));
  }
  const numBelow = probabilities.lessEqual(start).cast('float32').mul(isLabeled).sum();
  const isThreshold = numBelow.greater(last).cast('float32');
  const belowThreshold = probabilities.less(start).cast('float32').mul(isThreshold);
  const hard = probabilities.lessEqual(low).cast('float32').mul(tf.sub(1, isThreshold));
  return belowThreshold.add(hard).mul(isLabeled);
}

/** Halves an interval of at most 1 until it has the precision of float32. */
const BISECTIONS = 28;

/**
 * `1 − (2 Σ p t + ε) / (Σ p + Σ t + ε)` over all pixels of a batch, averaged over the classes that its labels have.
 *
 * @param probabilities `[R, K]`, zeros where ignored
 * @param target `[R, K]`, one-hot, zeros where ignored
 * @returns scalar
 */
function diceLoss(probabilities: tf.Tensor2D, target: tf.Tensor2D): tf.Scalar {
  const common = probabilities.mul(target).sum(0); // [K]
  const sizes = probabilities.sum(0).add(target.sum(0)); // [K]
  const dice = common.mul(2).add(DICE_EPS).div(sizes.add(DICE_EPS)); // [K]
  const isPresent = target.max(0); // [K]
  return tf.sub(1, dice).mul(isPresent).sum().div(isPresent.sum().maximum(1)) as tf.Scalar;
}
