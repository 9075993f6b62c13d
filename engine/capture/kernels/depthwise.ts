import { ConfigError } from '../../../core/errors.js';
import { int, ints, type OnnxValue } from '../../onnx/graph.js';
import type { CaptureBackend } from '../backend.js';
import {
  blockedConv,
  blockedDepthwiseWeight,
  canBlock,
  fromBlocked,
  padChannels,
  toBlocked,
} from '../nchwc.js';
import type { ConvAttrs, ConvInfo } from './conv.js';
import { convInfo, convKernels, gradientPadding, onnxConv } from './conv.js';
import { reduce } from './reduce.js';
import { padImage, reverse } from './shape.js';

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
  x: OnnxValue,
  weight: OnnxValue,
  bias: OnnxValue | undefined,
  i: ConvInfo,
): OnnxValue {
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
  dy: OnnxValue,
  weight: OnnxValue,
  i: ConvInfo,
): OnnxValue {
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
  x: OnnxValue,
  dy: OnnxValue,
  i: ConvInfo,
): OnnxValue {
  const { graph } = backend;
  const [kh, kw, n, c] = [i.filterHeight, i.filterWidth, i.batchSize, i.inChannels];
  const { top, bottom, left, right } = i.padInfo;
  const kernelSize = [i.outHeight, i.outWidth] as const;
  // Padding first is faster than the kernel's own padding, which takes a slow path at borders.
  const padded = padImage(backend, x, [top, bottom], [left, right]);
  const [, height, width] = padded.shape;
  if (graph.lowering.kind === 'cpu' && canBlock(c)) {
    const block = graph.lowering.blockSize;
    const cp = padChannels(c, block);
    const image = graph.reshape(toBlocked(backend, padded, block), [1, n * cp, height, width]);
    const kernel = graph.reshape(toBlocked(backend, dy, block), [n * cp, 1, ...kernelSize]);
    const dw = blockedConv(backend, image, kernel, undefined, {
      block,
      kernel: kernelSize,
      strides: [1, 1],
      pads: [0, 0, 0, 0],
      group: n * cp,
      size: [kh, kw],
    });
    const perImage = fromBlocked(backend, graph.reshape(dw, [n, cp, kh, kw]), c); // [N, kh, kw, C]
    return graph.reshape(reduce(backend, 'ReduceSum', perImage, [0]), [kh, kw, c, 1]);
  }
  const image = graph.reshape(graph.transpose(padded, [0, 3, 1, 2]), [1, n * c, height, width]);
  const kernel = graph.reshape(graph.transpose(dy, [0, 3, 1, 2]), [n * c, 1, ...kernelSize]);
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
