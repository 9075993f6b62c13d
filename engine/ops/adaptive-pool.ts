import * as tf from '@tensorflow/tfjs';

/**
 * Averaging matrix of adaptive pooling: bin `i` of `bins` covers `⌊i·size/bins⌋ … ⌈(i+1)·size/bins⌉ − 1`.
 *
 * @returns `[bins, size]`
 */
export function poolingMatrix(size: number, bins: number): Float32Array {
  const matrix = new Float32Array(bins * size);
  for (let i = 0; i < bins; i++) {
    const start = Math.floor((i * size) / bins);
    const end = Math.ceil(((i + 1) * size) / bins);
    matrix.fill(1 / (end - start), i * size + start, i * size + end);
  }
  return matrix;
}

/**
 * Adaptive average pooling to `bins × bins` (bins may overlap).
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, bins, bins, C]`
 */
export function adaptiveAveragePool(x: tf.Tensor4D, bins: number): tf.Tensor4D {
  const [n, h, w, c] = x.shape;
  return tf.tidy(() => {
    const vertical = tf.tensor3d(poolingMatrix(h, bins), [1, bins, h]);
    const horizontal = tf.tensor3d(poolingMatrix(w, bins), [1, bins, w]);
    const rows = tf.matMul(vertical, x.reshape([n, h, w * c]) as tf.Tensor3D); // [N, bins, W·C]
    const columns = rows.reshape([n * bins, w, c]) as tf.Tensor3D;
    return tf.matMul(horizontal, columns).reshape([n, bins, bins, c]); // [N, bins, bins, C]
  });
}

/**
 * Mean over all positions.
 *
 * @param x `[N, H, W, C]`
 * @returns `[N, C]`
 */
export function globalAveragePool(x: tf.Tensor4D): tf.Tensor2D {
  return x.mean([1, 2]);
}
