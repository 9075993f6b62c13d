import type * as tf from '@tensorflow/tfjs';
import { adaptiveAveragePool } from '../engine/ops/adaptive-pool.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import type { BatchNormMode, ConvModuleSpecs } from './batch-norm-conv.js';
import { convModule, convModuleSpecs } from './batch-norm-conv.js';

/** One module a pooling scale, by the names of mmsegmentation (index 0 of each is the pooling). */
export type PyramidPoolingSpecs = readonly { readonly '1': ConvModuleSpecs }[];

/** @param poolScales bins a side of each module */
export function pyramidPoolingSpecs(
  poolScales: readonly number[],
  inChannels: number,
  channels: number,
): PyramidPoolingSpecs {
  return poolScales.map(() => ({ '1': convModuleSpecs(1, inChannels, channels) }));
}

/**
 * The pyramid pooling module: the map averaged in `s × s` bins, each scale brought to `channels`. Left at the bins' size.
 *
 * @param x `[N, H, W, C]`
 * @param path of the list of modules, for the statistics
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
    convModule(adaptiveAveragePool(x, bins), params[i]['1'], `${path}.${i}.1`, mode),
  );
}
