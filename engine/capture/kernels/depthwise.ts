import type * as tf from '@tensorflow/tfjs';
import { ConfigError } from '../../../core/errors.js';
import { int, ints, type OnnxValue } from '../../onnx/graph.js';
import type { CaptureBackend } from '../backend.js';
import { canBlock, padChannels } from '../blocked-layout.js';
import { blockedConv, blockedDepthwiseWeight } from '../nchwc.js';
import type { ConvAttrs, ConvInfo } from './conv.js';
import { convInfo, convKernels, gradientPadding, onnxConv } from './conv.js';
import { reduce } from '../reduce.js';
import { pad, padImage, reverse, slice } from './shape.js';

function depthwiseInfo(
  input: readonly number[],
  filter: readonly number[],
  attrs: ConvAttrs,
): ConvInfo {
  const info = convInfo(input, filter, attrs, true);
  if (filter[3] !== 1 || info.strideHeight !== 1 || info.strideWidth !== 1) {
    throw new ConfigError(
      'capture: expected depthwise convolutions with stride 1 and multiplier 1',
    );
  }
  return info;
}

/** NHWC depthwise convolution; `weight` is `[kh, kw, C, 1]`, `bias` `[C]`. */
function depthwise(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  weight: OnnxValue,
  bias: OnnxValue | undefined,
  i: ConvInfo,
): tf.TensorInfo {
  const { graph } = backend;
  return onnxConv(backend, x, bias, i, {
    group: (block) => padChannels(i.inChannels, block),
    blocked: (block) => blockedDepthwiseWeight(backend, weight, block),
    standard: () => graph.transpose(weight, [2, 3, 0, 1]), // [C, 1, kh, kw]
  });
}

/** Gradient with respect to the input: the same convolution of dy with the rotated kernel. */
function depthwiseInputGradient(
  backend: CaptureBackend,
  dy: tf.TensorInfo,
  weight: OnnxValue,
  i: ConvInfo,
): tf.TensorInfo {
  const rotated = reverse(backend, weight, [0, 1]);
  const attrs = { strides: 1, pad: gradientPadding(i) };
  const info = depthwiseInfo(dy.shape, rotated.shape, attrs);
  return depthwise(backend, dy, rotated, undefined, info);
}

/**
 * Gradient with respect to the weight, `[kh, kw, C, 1]`: every (image, channel) pair becomes a channel of one depthwise
 * convolution of x with kernel dy; the results are summed over the images.
 */
function depthwiseWeightGradient(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  i: ConvInfo,
): OnnxValue {
  const { graph } = backend;
  const [kh, kw, n, c] = [i.filterHeight, i.filterWidth, i.batchSize, i.inChannels];
  const { top, bottom, left, right } = i.padInfo;
  const kernelSize = [i.outHeight, i.outWidth] as const;
  const [height, width] = [i.inHeight + top + bottom, i.inWidth + left + right];
  // Padding first is faster than the kernel's own padding, which takes a slow path at borders.
  if (graph.lowering.kind === 'cpu' && canBlock(c)) {
    const block = graph.lowering.blockSize;
    const cp = padChannels(c, block);
    const lines = [n, cp / block, i.inHeight, i.inWidth * block];
    const padded = pad(backend, graph.reshape(backend.blockedValue(x), lines), [
      [0, 0],
      [0, 0],
      [top, bottom],
      [left * block, right * block],
    ]);
    const image = graph.reshape(padded, [1, n * cp, height, width]);
    const kernel = graph.reshape(backend.blockedValue(dy), [n * cp, 1, ...kernelSize]);
    const dw = blockedConv(backend, image, kernel, undefined, {
      block,
      kernel: kernelSize,
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      group: n * cp,
      size: [kh, kw],
    });
    const taps = kh * kw;
    const sum = reduce(backend, 'ReduceSum', graph.reshape(dw, [n, cp * taps]), [0]);
    const split = graph.reshape(sum, [cp / block, taps, block]);
    const all = graph.reshape(graph.transpose(split, [1, 0, 2]), [taps, cp]);
    return graph.reshape(slice(backend, all, [0, 0], [taps, c]), [kh, kw, c, 1]);
  }
  const padded = padImage(backend, backend.value(x), [top, bottom], [left, right]);
  const image = graph.reshape(graph.transpose(padded, [0, 3, 1, 2]), [1, n * c, height, width]);
  const kernel = graph.reshape(graph.transpose(backend.value(dy), [0, 3, 1, 2]), [
    n * c,
    1,
    ...kernelSize,
  ]);
  const dw = graph.node('Conv', [image, kernel], [1, n * c, kh, kw], {
    kernel_shape: ints(kernelSize),
    group: int(n * c),
  });
  const summed = reduce(backend, 'ReduceSum', graph.reshape(dw, [n, c, kh, kw]), [0]); // [C, kh, kw]
  return graph.reshape(graph.transpose(summed, [1, 2, 0]), [kh, kw, c, 1]);
}

/** Depthwise convolutions and their gradients. */
export const DEPTHWISE = convKernels('DepthwiseConv2dNative', 'FusedDepthwiseConv2D', {
  sizes: depthwiseInfo,
  forward: depthwise,
  inputGradient: depthwiseInputGradient,
  weightGradient: depthwiseWeightGradient,
});
