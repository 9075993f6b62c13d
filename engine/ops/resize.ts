import * as tf from '@tensorflow/tfjs';

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
 * Bilinear resize with half-pixel centers (PyTorch's `align_corners=False`). Two products with interpolation matrices, so
 * value and gradient are exact on every backend; the gradient of tfjs's half-pixel resize is wrong.
 *
 * @param x `[N, H, W, C]`
 * @param size `[height, width]`
 * @returns `[N, height, width, C]`
 */
export function resizeBilinear(
  x: tf.Tensor4D,
  [height, width]: readonly [number, number],
): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  if (h === height && w === width) return x.clone();
  return tf.tidy(() => {
    const vertical = tf.tensor2d(bilinearMatrix(h, height), [height, h]);
    const horizontal = tf.tensor2d(bilinearMatrix(w, width), [width, w]);
    const rows = tf.matMul(
      vertical.expandDims<tf.Tensor3D>(0),
      x.reshape([n, h, w * c]) as tf.Tensor3D,
    ); // [N, height, w·C]
    const columns = rows.reshape([n * height, w, c]) as tf.Tensor3D;
    return tf.matMul(horizontal.expandDims<tf.Tensor3D>(0), columns).reshape([n, height, width, c]); // [N, height, width, C]
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
  return tf.customGrad((input) => {
    const value = tf.tidy(() =>
      (input as tf.Tensor4D)
        .reshape([n, h, 1, w, 1, c])
        .tile([1, 1, 2, 1, 2, 1]) // [N, H, 2, W, 2, C]
        .reshape([n, 2 * h, 2 * w, c]),
    );
    // tfjs can differentiate `tile` only up to rank 4. Summing one axis at a time gives fast reductions.
    const gradFunc = (dy: tf.Tensor): tf.Tensor =>
      tf.tidy(() => {
        const rows = dy.reshape([n * h, 2, 2 * w * c]).sum(1); // [N·H, 2·W·C]
        return rows
          .reshape([n * h * w, 2, c])
          .sum(1) // [N·H·W, C]
          .reshape(x.shape);
      });
    return { value, gradFunc };
  })(x) as tf.Tensor4D;
}
