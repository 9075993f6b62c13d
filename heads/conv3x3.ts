import * as tf from '../engine/tfjs.js';
import { assertShape } from '../core/shape.js';
import { sameConv, type ConvParams } from '../engine/ops/conv.js';
import { prefersStandardOperators } from '../engine/ops/lowering.js';
import { winogradConv } from './winograd-conv.js';

/** Most channels with which the ordinary convolution is faster than the transforms. */
const FEW_CHANNELS = 64;

/**
 * 3×3 convolution with stride 1 and zero padding; keeps height and width. The heads spend most of their time here, so it is
 * {@link winogradConv}; portable graphs and small networks get the ordinary convolution.
 *
 * @param x `[N, H, W, in]`
 * @returns `[N, H, W, out]`
 * @throws ShapeError if the kernel is not 3×3 or the channels differ
 */
export function conv3x3(x: tf.Tensor4D, params: ConvParams): tf.Tensor4D {
  const { weight, bias } = params;
  assertShape('conv3x3', weight, [3, 3, x.shape[3], 'out']);
  const isSmall = Math.min(x.shape[3], weight.shape[3]) <= FEW_CHANNELS;
  if (isSmall || prefersStandardOperators()) return sameConv(x, params);
  return tf.tidy(() => {
    const y = winogradConv(x, weight);
    return bias ? y.add<tf.Tensor4D>(bias) : y;
  });
}
