import type * as tf from '@tensorflow/tfjs';
import { applyMatrices } from './resize.js';

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
  return applyMatrices(x, [bins, bins], poolingMatrix);
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
