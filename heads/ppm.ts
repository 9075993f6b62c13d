import type * as tf from '@tensorflow/tfjs';
import { adaptiveAveragePool } from '../engine/ops/adaptive-pool.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { convNorm, convNormSpecs, type BatchNormMode, type ConvNormSpecs } from './conv-norm.js';

/** Specs with one module per pooling scale, by the names of mmsegmentation (index 0 of each is the pooling). */
export type PyramidPoolingSpecs = readonly { readonly '1': ConvNormSpecs }[];

/** @param poolScales number of bins per side of each module */
export function pyramidPoolingSpecs(
  poolScales: readonly number[],
  inChannels: number,
  channels: number,
): PyramidPoolingSpecs {
  return poolScales.map(() => ({ '1': convNormSpecs(1, inChannels, channels) }));
}

/**
 * Pyramid pooling module: averages the map in `s × s` bins and projects each scale to `channels`. Results are not
 * resized.
 *
 * @param x `[N, H, W, C]`
 * @param path path of the list of modules, for the statistics
 * @returns `[N, s, s, channels]` for each scale
 * @see PSPNet: https://arxiv.org/abs/1612.01105
 */
export function pyramidPooling(
  x: tf.Tensor4D,
  params: TensorTree<PyramidPoolingSpecs>,
  poolScales: readonly number[],
  path: string,
  mode: BatchNormMode,
): tf.Tensor4D[] {
  return poolScales.map((bins, i) =>
    convNorm(adaptiveAveragePool(x, bins), params[i]['1'], `${path}.${i}.1`, mode),
  );
}
