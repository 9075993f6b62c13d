import type * as tf from '@tensorflow/tfjs';
import { batchNormReluTraining, type BatchMoments } from '../engine/ops/batch-norm.js';
import { sameConv } from '../engine/ops/conv.js';
import { convSpecs, normSpecs, vectorSpec, type LayerSpecs } from '../engine/parameters/layers.js';
import type { ParameterSpec } from '../engine/parameters/spec.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { conv3x3 } from './conv3x3.js';

/** Epsilon of the heads' batch norms. */
export const BATCH_NORM_EPS = 1e-5;
/** Weight of a batch in the running statistics. */
export const BATCH_NORM_MOMENTUM = 0.1;

/** Specs of a convolution without bias and the batch norm after it, by the names of mmcv's `ConvModule`. */
export type ConvNormSpecs = {
  readonly conv: { readonly weight: ParameterSpec<'conv'> };
  readonly bn: LayerSpecs<'vector'> & {
    readonly running_mean: ParameterSpec<'vector'>;
    readonly running_var: ParameterSpec<'vector'>;
  };
};

/** Statistics of a batch norm in a training step. */
export interface BatchStatistics {
  /** Mean and biased variance, `[C]` each. */
  readonly moments: BatchMoments;
  /** Values per channel, `N · H · W`. */
  readonly count: number;
}

/**
 * Mode of batch norms in a forward pass.
 * - `running`: with the running statistics
 * - `batch`: with those of the batch, weighted by `fractions` (see {@link batchNormReluTraining}); passed to `onStatistics`
 *   with the module's path
 * - `cut`: normalization happens outside this program, because several processes must combine their statistics first:
 *   `normalized` gets a function that computes the convolution, and returns the result of norm and ReLU
 */
export type BatchNormMode =
  | { readonly kind: 'running' }
  | {
      readonly kind: 'batch';
      readonly fractions?: tf.Tensor2D | undefined;
      readonly onStatistics: (path: string, statistics: BatchStatistics) => void;
    }
  | {
      readonly kind: 'cut';
      readonly normalized: (path: string, convolved: () => tf.Tensor4D) => tf.Tensor4D;
    };

/**
 * Specs with Kaiming-normal weights (fan out, ReLU); the running statistics are saved but not trained.
 *
 * @see mmcv 1.x, cnn/bricks/conv_module.py
 */
export function convNormSpecs(
  kernel: number,
  inChannels: number,
  outChannels: number,
): ConvNormSpecs {
  const std = Math.sqrt(2 / (kernel * kernel * outChannels));
  const statistic = (value: number): ParameterSpec<'vector'> => ({
    ...vectorSpec(outChannels, { kind: 'constant', value }),
    trainable: false,
  });
  return {
    conv: { weight: convSpecs(kernel, inChannels, outChannels, { kind: 'normal', std }).weight },
    bn: { ...normSpecs(outChannels), running_mean: statistic(0), running_var: statistic(1) },
  };
}

/**
 * Convolution, batch norm, ReLU.
 *
 * @param x `[N, H, W, C]`
 * @param path of the module, for the statistics
 * @returns `[N, H, W, C']`
 */
export function convNorm(
  x: tf.Tensor4D,
  params: TensorTree<ConvNormSpecs>,
  path: string,
  mode: BatchNormMode,
): tf.Tensor4D {
  const { shape } = params.conv.weight;
  const conv = shape[0] === 3 ? conv3x3 : sameConv;
  return normalizedConv((weight) => conv(x, { weight }), params, path, mode);
}

/**
 * Batch norm and ReLU of any convolution that is linear in its weight and has the output channels last.
 *
 * @param conv the convolution with a weight of the shape of `params.conv.weight`
 * @returns `[N, H, W, C']`
 */
export function normalizedConv(
  conv: (weight: tf.Tensor4D) => tf.Tensor4D,
  { conv: { weight }, bn }: TensorTree<ConvNormSpecs>,
  path: string,
  mode: BatchNormMode,
): tf.Tensor4D {
  switch (mode.kind) {
    case 'running': {
      // The scale is folded into the weight: exact, and saves a pass over the features.
      const scale = bn.weight.mul(bn.running_var.add(BATCH_NORM_EPS).rsqrt()); // [C']
      const shift = bn.bias.sub(bn.running_mean.mul(scale)); // [C']
      return conv(weight.mul(scale)).add(shift).relu() as tf.Tensor4D;
    }
    case 'batch': {
      const x = conv(weight);
      const { y, moments } = batchNormReluTraining(x, bn, BATCH_NORM_EPS, mode.fractions);
      const [n, h, w] = x.shape;
      mode.onStatistics(path, { moments, count: n * h * w });
      return y;
    }
    case 'cut':
      return mode.normalized(path, () => conv(weight));
    default:
      return mode satisfies never;
  }
}
