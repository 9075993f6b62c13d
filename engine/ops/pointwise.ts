import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';
import { numElements } from '../../core/shape.js';
import { runFusedKernel } from './fused-kernels.js';
import { inBlocks, isInBlocks } from './lowering.js';

/** Options of {@link pointwise}. */
interface PointwiseOptions {
  /** `[out]` */
  readonly bias?: tf.Tensor1D | undefined;
  /** Factors of the rows of the weight, `[N or 1, 1, 1, in]`. */
  readonly scale?: tf.Tensor4D | undefined;
  /** Whether the map is that of the transposed weight, from `out` to `in` channels; it takes no bias. */
  readonly transposed?: boolean | undefined;
}

/**
 * Product with a weight at every position, `x · (s ∘ W) + b`: a 1×1 convolution, without a gradient of its own. A map that
 * is held in the blocked layout stays in it.
 *
 * @param x `[N, H, W, in]`, or `[N, H, W, out]` if transposed
 * @param weight `[in, out]`
 * @returns `[N, H, W, out]`, or `[N, H, W, in]` if transposed
 */
export function pointwise(
  x: tf.Tensor4D,
  weight: tf.Tensor2D,
  { bias, scale, transposed = false }: PointwiseOptions = {},
): tf.Tensor4D {
  if (isInBlocks(x)) {
    const scales = transposed ? { outScale: scale } : { inScale: scale };
    return runFusedKernel('pointwise', { x, weight, bias, ...scales }, { transposed });
  }
  const [n, h, w] = x.shape;
  return tf.tidy(() => {
    const shape: [number, number, number, number] = [n, h, w, weight.shape[transposed ? 0 : 1]];
    if (!scale)
      return tf.fused
        .matMul({ a: rows(x), b: weight, transposeB: transposed, ...(bias ? { bias } : {}) })
        .reshape(shape);
    const scaled = columns(scale).mul<tf.Tensor3D>(weight); // [N, in, out]
    const y = tf.matMul(samples(x), scaled, false, transposed);
    return (bias ? y.add(bias) : y).reshape(shape);
  });
}

/**
 * Gradient of a weight at every position: `xᵀ · dy` over the positions.
 *
 * @param x `[N, H, W, in]`
 * @param dy `[N, H, W, out]`
 * @returns `[in, out]`
 */
export function pointwiseWeightGradient(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor2D {
  if (isInBlocks(x) || isInBlocks(dy))
    return runFusedKernel('pointwiseWeightGradient', { x, dy }, { perImage: false });
  return tf.tidy(() => tf.matMul(rows(x), rows(dy), true));
}

/**
 * {@link pointwiseWeightGradient} of every image.
 *
 * @returns `[N, in, out]`
 */
export function pointwiseProducts(x: tf.Tensor4D, dy: tf.Tensor4D): tf.Tensor3D {
  if (isInBlocks(x) || isInBlocks(dy))
    return runFusedKernel('pointwiseWeightGradient', { x, dy }, { perImage: true });
  return tf.tidy(() => tf.matMul(samples(x), samples(dy), true));
}

/**
 * `x · weight + bias` at every position of a feature map, in the blocked layout where the graph allows it.
 *
 * @param x `[N, H, W, in]`
 * @returns `[N, H, W, out]`
 */
export function pointwiseLinear(
  x: tf.Tensor4D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D,
): tf.Tensor4D {
  return withGradient(
    [x, weight, bias],
    (input, matrix, b) => ({
      value: tf.tidy(() => pointwise(inBlocks(input), matrix, { bias: b })),
      saved: [input, matrix],
    }),
    (dy, [input, matrix]) =>
      tf.tidy(() => {
        const gradient = inBlocks(dy);
        return [
          pointwise(gradient, matrix, { transposed: true }),
          pointwiseWeightGradient(input, gradient),
          dy.sum([0, 1, 2]),
        ];
      }),
  );
}

/** `[N, H, W, C]` to `[N·H·W, C]`. */
function rows(x: tf.Tensor4D): tf.Tensor2D {
  const channels = x.shape[3];
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
