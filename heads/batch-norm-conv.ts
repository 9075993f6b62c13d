import type * as tf from '@tensorflow/tfjs';
import type { Moments } from '../engine/ops/batch-norm.js';
import { batchNormTraining } from '../engine/ops/batch-norm.js';
import { sameConv } from '../engine/ops/conv.js';
import { normSpecs, vectorSpec } from '../engine/parameters/layers.js';
import type { Initializer, ParameterSpec } from '../engine/parameters/spec.js';
import type { TensorTree } from '../engine/parameters/tensors.js';
import { conv3x3 } from './conv3x3.js';

/** Epsilon of the segmentation heads' batch norms. */
export const SEGMENTATION_BN_EPS = 1e-5;

/** A convolution without bias and the batch norm after it, by the names of mmcv's `ConvModule`. */
export type ConvModuleSpecs = {
  readonly conv: { readonly weight: ParameterSpec<'conv'> };
  readonly bn: {
    readonly weight: ParameterSpec<'vector'>;
    readonly bias: ParameterSpec<'vector'>;
    readonly running_mean: ParameterSpec<'vector'>;
    readonly running_var: ParameterSpec<'vector'>;
  };
};

/** What a batch norm saw in a training step. */
export interface BatchStatistics {
  /** Mean and biased variance, `[C]` each. */
  readonly moments: Moments;
  /** Values per channel, `N · H · W`. */
  readonly count: number;
}

/**
 * How batch norms behave in a forward pass.
 * - `running`: with the running statistics
 * - `batch`: with those of the batch, which are handed to `onStatistics` with the module's path
 * - `cut`: not here: `normalized` gets the convolution, uncomputed, and says what comes after norm and ReLU, for statistics that
 *   several processes must join before the pass can go on
 */
export type BatchNormMode =
  | { readonly kind: 'running' }
  | {
      readonly kind: 'batch';
      readonly onStatistics: (path: string, statistics: BatchStatistics) => void;
    }
  | {
      readonly kind: 'cut';
      readonly normalized: (path: string, convolved: () => tf.Tensor4D) => tf.Tensor4D;
    };

/**
 * Kaiming-normal weights (fan out, ReLU); the running statistics are saved but not trained.
 *
 * @see mmcv 1.x, cnn/bricks/conv_module.py
 */
export function convModuleSpecs(
  kernel: number,
  inChannels: number,
  outChannels: number,
): ConvModuleSpecs {
  const init: Initializer = {
    kind: 'normal',
    std: Math.sqrt(2 / (kernel * kernel * outChannels)),
  };
  const statistic = (value: number): ParameterSpec<'vector'> => ({
    ...vectorSpec(outChannels, { kind: 'constant', value }),
    trainable: false,
  });
  return {
    conv: {
      weight: {
        shape: [kernel, kernel, inChannels, outChannels],
        layout: 'conv',
        init,
        trainable: true,
      },
    },
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
export function convModule(
  x: tf.Tensor4D,
  params: TensorTree<ConvModuleSpecs>,
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
  { conv: { weight }, bn }: TensorTree<ConvModuleSpecs>,
  path: string,
  mode: BatchNormMode,
): tf.Tensor4D {
  switch (mode.kind) {
    case 'running': {
      // The scale is moved into the weight: exact, and one pass over the features less.
      const scale = bn.weight.mul(bn.running_var.add(SEGMENTATION_BN_EPS).rsqrt()); // [C']
      const shift = bn.bias.sub(bn.running_mean.mul(scale)); // [C']
      return conv(weight.mul(scale)).add(shift).relu() as tf.Tensor4D;
    }
    case 'batch': {
      const x = conv(weight);
      const { y, moments } = batchNormTraining(x, bn, SEGMENTATION_BN_EPS);
      const [n, h, w] = x.shape;
      mode.onStatistics(path, { moments, count: n * h * w });
      return y.relu();
    }
    case 'cut':
      return mode.normalized(path, () => conv(weight));
    default:
      return mode satisfies never;
  }
}
