import { withGradient } from './with-gradient.js';
import * as tf from '../tfjs.js';

/**
 * Interpolation matrix of half-pixel bilinear resizing: row `i` holds the weights of output `i`,
 * `source = (i + 0.5) · in / out − 0.5`, clamped below at 0 and above at the last element.
 *
 * @returns `[outSize, inSize]`
 */
export function bilinearMatrix(inSize: number, outSize: number): Float32Array {
  const matrix = new Float32Array(outSize * inSize);
  for (let i = 0; i < outSize; i++) {
    const source = Math.max(0, ((i + 0.5) * inSize) / outSize - 0.5);
    const low = Math.min(inSize - 1, Math.floor(source));
    const high = Math.min(inSize - 1, low + 1);
    const fraction = source - low;
    matrix[i * inSize + low] += 1 - fraction;
    matrix[i * inSize + high] += fraction;
  }
  return matrix;
}

/**
 * Bilinear resize with half-pixel centers (PyTorch's `align_corners=False`). Products with interpolation matrices, because the
 * gradient of tfjs's half-pixel resize is wrong.
 *
 * @param x `[N, H, W, C]`
 * @param size `[height, width]`
 * @returns `[N, height, width, C]`
 */
export function resizeBilinear(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  const [, h, w] = x.shape;
  if (h === height && w === width) return x.clone();
  return applyMatrices(x, [height, width], bilinearMatrix);
}

/**
 * Applies a matrix to the rows and one to the columns of a map: resizing and pooling as products, exact in both
 * directions on every backend.
 *
 * @param x `[N, H, W, C]`
 * @param size `[height, width]`
 * @param matrix returns the matrix of one axis, `[outSize, inSize]` row-major
 * @returns `[N, height, width, C]`
 */
export function applyMatrices(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
  matrix: (inSize: number, outSize: number) => Float32Array,
): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  return tf.tidy(() => {
    const vertical = tf.tensor3d(matrix(h, height), [1, height, h]);
    const horizontal = tf.tensor3d(matrix(w, width), [1, width, w]);
    const rows = tf.matMul(vertical, x.reshape<tf.Tensor3D>([n, h, w * c])); // [N, height, W·C]
    const columns = rows.reshape<tf.Tensor3D>([n * height, w, c]);
    return tf.matMul(horizontal, columns).reshape([n, height, width, c]); // [N, height, width, C]
  });
}

/**
 * Nearest-neighbor upsampling by a factor of two.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, 2H, 2W, C]`
 */
export function upsampleNearest2(x: tf.Tensor4D): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  return withGradient(
    [x],
    (input) => ({
      value: tf.tidy(() =>
        input
          .reshape([n, h, 1, w, 1, c])
          .tile([1, 1, 2, 1, 2, 1]) // [N, H, 2, W, 2, C]
          .reshape<tf.Tensor4D>([n, 2 * h, 2 * w, c]),
      ),
      saved: [],
    }),
    // tfjs can differentiate `tile` only up to rank 4. Summing one axis at a time gives fast reductions.
    (dy) =>
      tf.tidy(() => {
        const rows = dy.reshape([n * h, 2, 2 * w * c]).sum(1); // [N·H, 2·W·C]
        return rows
          .reshape([n * h * w, 2, c])
          .sum(1) // [N·H·W, C]
          .reshape(x.shape);
      }),
  );
}
