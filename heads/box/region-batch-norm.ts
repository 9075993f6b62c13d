import * as tf from '@tensorflow/tfjs';
import { assertShape } from '../../core/shape.js';
import type { Moments } from '../../engine/ops/batch-norm.js';
import type { ConvParams } from '../../engine/ops/conv.js';
import { normSpecs, vectorSpec } from '../../engine/parameters/layers.js';
import type { Initializer, ParameterSpec } from '../../engine/parameters/spec.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import { conv3x3 } from '../conv3x3.js';

/** Epsilon of the batch norms of box heads. */
export const BATCH_NORM_EPS = 1e-5;
/** Share of a batch in the running statistics. */
export const BATCH_NORM_MOMENTUM = 0.1;

/** A 3×3 convolution without bias and the batch norm after it, by the names of mmdetection. */
export type ConvBatchNormSpecs = {
  readonly conv: { readonly weight: ParameterSpec<'conv'> };
  readonly bn: {
    readonly weight: ParameterSpec<'vector'>;
    readonly bias: ParameterSpec<'vector'>;
    readonly running_mean: ParameterSpec<'vector'>;
    readonly running_var: ParameterSpec<'vector'>;
  };
};

/** Kaiming-normal weights (fan out, ReLU); the running statistics are saved but not trained. */
export function convBatchNormSpecs(inChannels: number, outChannels: number): ConvBatchNormSpecs {
  const init: Initializer = { kind: 'normal', std: Math.sqrt(2 / (9 * outChannels)) };
  const statistic = (value: number): ParameterSpec<'vector'> => ({
    ...vectorSpec(outChannels, { kind: 'constant', value }),
    trainable: false,
  });
  return {
    conv: {
      weight: { shape: [3, 3, inChannels, outChannels], layout: 'conv', init, trainable: true },
    },
    bn: { ...normSpecs(outChannels), running_mean: statistic(0), running_var: statistic(1) },
  };
}

/**
 * Convolution, batch norm with the running statistics, ReLU. The norm is moved into the convolution: exact, and it saves
 * passes over the features of all regions.
 *
 * @param x `[R, P, P, C]`
 * @returns `[R, P, P, C']`
 */
export function convBatchNormInference(
  x: tf.Tensor4D,
  { conv, bn }: TensorTree<ConvBatchNormSpecs>,
): tf.Tensor4D {
  return tf.tidy(() => {
    const scale = bn.weight.mul(bn.running_var.add(BATCH_NORM_EPS).rsqrt()); // [C']
    const folded: ConvParams = {
      weight: conv.weight.mul(scale),
      bias: bn.bias.sub(bn.running_mean.mul(scale)),
    };
    return conv3x3(x, folded).relu();
  });
}

/**
 * Convolution, batch norm with the statistics of the regions, ReLU. Regions that only fill up the batch are left out of the
 * statistics; what they become is of no use.
 *
 * @param x `[R, P, P, C]`
 * @param shares `[1, R·P·P]`: 1 / (number of pixels of real regions) for their pixels, 0 for the others
 * @returns `y` `[R, P, P, C']`, and mean and biased variance `[C']`
 * @throws ShapeError unless there is a share for every pixel
 */
export function convBatchNormTraining(
  x: tf.Tensor4D,
  { conv, bn }: TensorTree<ConvBatchNormSpecs>,
  shares: tf.Tensor2D,
): { readonly y: tf.Tensor4D; readonly moments: Moments } {
  const [r, p, q] = x.shape;
  assertShape('convBatchNormTraining', shares, [1, r * p * q]);
  return tf.tidy(() => {
    const values = conv3x3(x, conv); // [R, P, P, C']
    const channels = values.shape[3];
    // A product with the row of shares: one pass, and no masked copy of the features.
    const mean = (of: tf.Tensor): tf.Tensor1D =>
      shares.matMul(of.reshape([-1, channels]) as tf.Tensor2D).reshape([channels]);
    const average = mean(values);
    const centred = values.sub(average);
    const variance = mean(centred.mul(centred));
    const scale = bn.weight.mul(variance.add(BATCH_NORM_EPS).rsqrt()); // [C']
    const y = centred.mul(scale).add(bn.bias).relu() as tf.Tensor4D;
    return { y, moments: { mean: average, variance } };
  });
}
