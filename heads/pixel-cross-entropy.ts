import { withGradient } from '../engine/ops/with-gradient.js';
import * as tf from '../engine/tfjs.js';
import { assertShape } from '../core/shape.js';
import { bilinearMatrix } from '../engine/ops/resize.js';

/** Pixels at the labels' size that are processed together: with 150 classes their logits fit in the CPU's cache. */
const PIXELS_AT_ONCE = 16384;

/**
 * Cross-entropy of logits upsampled to the labels' size. The sum over labeled pixels is divided by the number of all
 * pixels, as in mmsegmentation.
 *
 * Upsampled logits are 16 times as large, and a training step would pass over them two dozen times. So loss and gradient
 * are computed together, one band of rows at a time, and only the gradient of the logits is kept.
 *
 * @param logits `[N, h, w, K]`
 * @param labels int32 `[N, H, W]`: 0 … K − 1; other values are ignored
 * @param pixelsAtOnce pixels of a band
 * @returns scalar
 * @throws ShapeError if the number of images differs
 */
export function pixelCrossEntropy(
  logits: tf.Tensor4D,
  labels: tf.Tensor3D,
  pixelsAtOnce = PIXELS_AT_ONCE,
): tf.Scalar {
  const [n] = logits.shape;
  assertShape('pixelCrossEntropy', labels, [n, 'H', 'W']);
  const perPixel = 1 / labels.size;
  return withGradient(
    [logits],
    (scores) => {
      const { loss, gradient } = tf.tidy(() => bandwise(scores, labels, pixelsAtOnce));
      return { value: tf.tidy(() => loss.mul<tf.Scalar>(perPixel)), saved: [gradient] };
    },
    (dy, [gradient]) => tf.tidy(() => gradient.mul(dy.mul(perPixel))),
  );
}

/** Loss and gradient, summed over the labeled pixels. */
type Summed = {
  /** Scalar. */
  readonly loss: tf.Tensor;
  /** Gradient of the logits, `[N, h, w, K]`. */
  readonly gradient: tf.Tensor;
};

function bandwise(logits: tf.Tensor4D, labels: tf.Tensor3D, pixelsAtOnce: number): Summed {
  const [n, h, w, k] = logits.shape;
  const [, height, width] = labels.shape;
  const rows = bilinearMatrix(h, height); // [H, h]
  const columns = tf.tensor3d(bilinearMatrix(w, width), [1, width, w]);
  const most = Math.max(1, Math.floor(pixelsAtOnce / (n * width)));
  const losses: tf.Tensor[] = [];
  const gradients: tf.Tensor[] = [];
  for (let first = 0; first < height; first += most) {
    const count = Math.min(most, height - first);
    const { from, size, data } = rowsOf(rows, h, { first, count });
    const enlarge = tf.tensor3d(data, [1, count, size]);
    const part = logits
      .slice([0, from, 0, 0], [n, size, w, k])
      .reshape<tf.Tensor3D>([n * size, w, k]);
    const wide = tf.matMul(columns, part).reshape<tf.Tensor3D>([n, size, width * k]);
    const band = tf.matMul(enlarge, wide).reshape<tf.Tensor2D>([n * count * width, k]);
    const target = labels.slice([0, first, 0], [n, count, width]).reshape<tf.Tensor1D>([-1]);
    const { loss, gradient } = ofPixels(band, target);
    const back = gradient.reshape<tf.Tensor3D>([n, count, width * k]);
    const narrow = tf
      .matMul(enlarge, back, true, false) // [N, size, W·K]
      .reshape<tf.Tensor3D>([n * size, width, k]);
    const small = tf.matMul(columns, narrow, true, false).reshape([n, size, w, k]);
    // Zeros that make each of the two results need the other, so that the engine computes both before the next band;
    // otherwise it keeps the probabilities of all bands until the backward pass.
    losses.push(loss.add(small.slice([0, 0, 0, 0], [1, 1, 1, 1]).reshape([]).mul(0)));
    gradients.push(
      small.add(loss.mul(0)).pad([
        [0, 0],
        [from, h - from - size],
        [0, 0],
        [0, 0],
      ]),
    );
  }
  return { loss: tf.addN(losses), gradient: tf.addN(gradients) };
}

/** Rows of an interpolation matrix for a band, restricted to their nonzero columns. */
function rowsOf(
  matrix: Float32Array,
  inSize: number,
  { first, count }: { readonly first: number; readonly count: number },
): { readonly from: number; readonly size: number; readonly data: Float32Array } {
  const row = (i: number): Float32Array => matrix.subarray(i * inSize, (i + 1) * inSize);
  const from = row(first).findIndex((weight) => weight !== 0);
  const end = row(first + count - 1).findLastIndex((weight) => weight !== 0) + 1;
  const data = new Float32Array(count * (end - from));
  for (let i = 0; i < count; i++) data.set(row(first + i).subarray(from, end), i * (end - from));
  return { from, size: end - from, data };
}

/**
 * @param scores `[R, K]`
 * @param labels int32 `[R]`
 * @returns the sum of `log Σ exp(z) − z_label`, and its gradient `[R, K]`
 */
function ofPixels(scores: tf.Tensor2D, labels: tf.Tensor1D): Summed {
  const [r, k] = scores.shape;
  const probabilities = tf.softmax(scores);
  // The largest probability is at least 1 / K, so its logarithm is safe: log Σ exp(z) = max z − log max p.
  const logSum = scores.max(1).sub(probabilities.max(1).log()); // [R]
  const isLabeled = labels.greaterEqual(0).logicalAnd(labels.less(k)); // [R]
  const starts = tf.tensor1d(Int32Array.from({ length: r }, (_, i) => i * k));
  const places = starts.add<tf.Tensor1D>(labels.mul(isLabeled.cast('int32'))); // int32 [R]
  const ofLabel = tf.gather(scores.reshape([-1]), places); // [R]
  const weight = isLabeled.cast('float32'); // [R]
  const classes = tf.tensor1d(Int32Array.from({ length: k }, (_, i) => i));
  // A zero of these scores, so that several losses of the same labels do not share this: it would be kept between them.
  const zero = scores.slice([0, 0], [1, 1]).reshape<tf.Scalar>([]).mul<tf.Scalar>(0).cast('int32');
  const isOfClass = labels.add(zero).expandDims(1).equal(classes); // [R, K]
  return {
    loss: logSum.sub(ofLabel).mul(weight).sum(),
    gradient: probabilities.sub(isOfClass.cast('float32')).mul(weight.expandDims(1)),
  };
}
