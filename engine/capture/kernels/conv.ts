import type { backend_util } from '@tensorflow/tfjs';
import * as tf from '../../tfjs.js';
import { ConfigError } from '../../../core/errors.js';
import { int, ints, type OnnxValue } from '../../onnx/graph.js';
import type { CaptureBackend } from '../backend.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import { canBlock } from '../blocked-layout.js';
import { blockedBias, blockedConv, blockedWeight } from '../nchwc.js';
import { activate, matrixProduct, rows } from './products.js';
import { concat, padImage, reverse, slice, strided } from './shape.js';

/** Sizes of a convolution. */
export type ConvInfo = backend_util.Conv2DInfo;

/** Attributes shared by tfjs's convolution kernels. */
export interface ConvAttrs {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | backend_util.ExplicitPadding;
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: number | [number, number];
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

/** Computes output size and padding of an NHWC convolution without dilation. */
export function convInfo(
  input: readonly number[],
  filter: readonly number[],
  attrs: ConvAttrs,
  depthwise = false,
): ConvInfo {
  const info = tf.backend_util.computeConv2DInfo(
    [...input] as [number, number, number, number],
    [...filter] as [number, number, number, number],
    attrs.strides,
    attrs.dilations ?? 1,
    attrs.pad,
    attrs.dimRoundingMode,
    depthwise,
  );
  if (
    (attrs.dataFormat ?? 'NHWC') !== 'NHWC' ||
    info.dilationHeight !== 1 ||
    info.dilationWidth !== 1
  ) {
    throw new ConfigError('capture: expected convolutions in NHWC without dilation');
  }
  return info;
}

const isPointwise = (i: ConvInfo): boolean =>
  i.filterHeight === 1 && i.filterWidth === 1 && isPatchify(i);

const isPatchify = (i: ConvInfo): boolean =>
  i.filterHeight === i.strideHeight && i.filterWidth === i.strideWidth && noPadding(i);

const noPadding = ({ padInfo: p }: ConvInfo): boolean =>
  p.top === 0 && p.bottom === 0 && p.left === 0 && p.right === 0;

const isBlockable = (backend: CaptureBackend, i: ConvInfo): boolean =>
  backend.graph.lowering.kind === 'cpu' && canBlock(i.inChannels) && canBlock(i.outChannels);

/**
 * Extracts non-overlapping patches, `[N, H, W, C]` → `[N·h·w, kh·kw·C]`; pixels beyond a multiple of the patch are
 * cropped.
 */
function patches(backend: CaptureBackend, x: OnnxValue, i: ConvInfo): OnnxValue {
  const { graph } = backend;
  const [kh, kw, h, w, c] = [i.filterHeight, i.filterWidth, i.outHeight, i.outWidth, i.inChannels];
  const cut = slice(backend, x, [0, 0, 0, 0], [i.batchSize, h * kh, w * kw, c]);
  const split = graph.reshape(cut, [i.batchSize * h, kh, w, kw * c]);
  return graph.reshape(graph.transpose(split, [0, 2, 1, 3]), [i.batchSize * h * w, kh * kw * c]);
}

/** Inverse of {@link patches}; cropped pixels are zero. */
function unpatch(backend: CaptureBackend, y: OnnxValue, i: ConvInfo): OnnxValue {
  const { graph } = backend;
  const [kh, kw, h, w, c] = [i.filterHeight, i.filterWidth, i.outHeight, i.outWidth, i.inChannels];
  const split = graph.reshape(y, [i.batchSize * h, w, kh, kw * c]);
  const joined = graph.reshape(graph.transpose(split, [0, 2, 1, 3]), [
    i.batchSize,
    h * kh,
    w * kw,
    c,
  ]);
  return padImage(backend, joined, [0, i.inHeight - h * kh], [0, i.inWidth - w * kw]);
}

/** Extracts overlapping patches of the padded input (im2col), `[N, H, W, C]` → `[N·h·w, kh·kw·C]`. */
function columns(backend: CaptureBackend, x: OnnxValue, i: ConvInfo): OnnxValue {
  const { top, bottom, left, right } = i.padInfo;
  const padded = padImage(backend, x, [top, bottom], [left, right]);
  const [size, strides] = [
    [i.outHeight, i.outWidth],
    [i.strideHeight, i.strideWidth],
  ];
  const parts: OnnxValue[] = [];
  for (let ky = 0; ky < i.filterHeight; ky++) {
    for (let kx = 0; kx < i.filterWidth; kx++) {
      parts.push(rows(backend, strided(backend, padded, [1, 2], [ky, kx], size, strides)));
    }
  }
  return concat(backend, parts, 1);
}

const pads = ({ padInfo: p }: ConvInfo): [number, number, number, number] => [
  p.top,
  p.left,
  p.bottom,
  p.right,
];

/** NHWC convolution; `weight` is `[kh, kw, C, K]`, `bias` `[K]`. */
export function conv(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  weight: OnnxValue,
  bias: OnnxValue | undefined,
  i: ConvInfo,
): tf.TensorInfo {
  const { graph } = backend;
  // With constant weights, whose layout is changed once, patches need not be extracted.
  const inBlocks = graph.hasConstantWeights && !isPointwise(i) && isBlockable(backend, i);
  if (isPatchify(i) && !inBlocks) {
    const input = backend.value(x);
    const matrix = isPointwise(i) ? rows(backend, input) : patches(backend, input, i);
    const y = matrixProduct(backend, matrix, rows(backend, weight), {}, bias);
    return backend.tensorInfo(graph.reshape(y, i.outShape));
  }
  return onnxConv(backend, x, bias, i, {
    group: () => 1,
    blocked: (block) => blockedWeight(backend, weight, block),
    standard: () => graph.transpose(weight, [3, 2, 0, 1]),
  });
}

/** Weight of a convolution in ONNX's layouts. */
interface OnnxWeight {
  /** @param block size of a block of channels; 1 without blocks */
  group(block: number): number;
  blocked(block: number): OnnxValue;
  /** `[out, in / group, kh, kw]` */
  standard(): OnnxValue;
}

/** NHWC convolution by blocked kernels where the lowering has them, else by the standard operator. */
export function onnxConv(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  bias: OnnxValue | undefined,
  i: ConvInfo,
  weight: OnnxWeight,
): tf.TensorInfo {
  const { graph } = backend;
  const kernel = [i.filterHeight, i.filterWidth] as const;
  const strides = [i.strideHeight, i.strideWidth] as const;
  if (graph.lowering.kind === 'cpu' && isBlockable(backend, i)) {
    const block = graph.lowering.blockSize;
    const y = blockedConv(
      backend,
      backend.blockedValue(x),
      weight.blocked(block),
      bias && blockedBias(backend, bias, block),
      {
        block,
        kernel,
        strides,
        pads: pads(i),
        group: weight.group(block),
        size: [i.outHeight, i.outWidth],
      },
    );
    return backend.blockedInfo(y, i.outShape);
  }
  const inputs = [graph.transpose(backend.value(x), [0, 3, 1, 2]), weight.standard()];
  const y = graph.node(
    'Conv',
    bias ? [...inputs, bias] : inputs,
    [i.batchSize, i.outChannels, i.outHeight, i.outWidth],
    {
      kernel_shape: ints(kernel),
      strides: ints(strides),
      pads: ints(pads(i)),
      group: int(weight.group(1)),
    },
  );
  return backend.tensorInfo(graph.transpose(y, [0, 2, 3, 1]));
}

/** Padding of the gradient's convolution: as far as the kernel reaches, less the padding of the forward pass. */
export function gradientPadding(i: ConvInfo): backend_util.ExplicitPadding {
  const { top, bottom, left, right } = i.padInfo;
  const [kh, kw] = [i.filterHeight, i.filterWidth];
  return [
    [0, 0],
    [kh - 1 - top, kh - 1 - bottom],
    [kw - 1 - left, kw - 1 - right],
    [0, 0],
  ];
}

/** Gradient with respect to the input. */
function convInputGradient(
  backend: CaptureBackend,
  dy: tf.TensorInfo,
  weight: OnnxValue,
  i: ConvInfo,
): tf.TensorInfo {
  const { graph } = backend;
  if (isPatchify(i)) {
    const matrix = rows(backend, backend.value(dy));
    const dx = matrixProduct(backend, matrix, rows(backend, weight), { b: true });
    return backend.tensorInfo(
      isPointwise(i) ? graph.reshape(dx, i.inShape) : unpatch(backend, dx, i),
    );
  }
  if (i.strideHeight === 1 && i.strideWidth === 1) {
    // Stride 1: a convolution of dy with the rotated kernel and swapped channels.
    const rotated = graph.transpose(reverse(backend, weight, [0, 1]), [0, 1, 3, 2]);
    const attrs = { strides: 1, pad: gradientPadding(i) };
    return conv(backend, dy, rotated, undefined, convInfo(dy.shape, rotated.shape, attrs));
  }
  const nchw = graph.transpose(backend.value(dy), [0, 3, 1, 2]);
  const full = [
    (i.outHeight - 1) * i.strideHeight + i.filterHeight,
    (i.outWidth - 1) * i.strideWidth + i.filterWidth,
  ];
  const spread = graph.node(
    'ConvTranspose',
    [nchw, graph.transpose(weight, [3, 2, 0, 1])],
    [i.batchSize, i.inChannels, ...full],
    {
      kernel_shape: ints([i.filterHeight, i.filterWidth]),
      strides: ints([i.strideHeight, i.strideWidth]),
      group: int(1),
    },
  );
  const padded = graph.transpose(spread, [0, 2, 3, 1]); // gradient of the padded input, without unused border pixels
  const { top, left } = i.padInfo;
  const height = Math.min(i.inHeight, padded.shape[1] - top);
  const width = Math.min(i.inWidth, padded.shape[2] - left);
  const inner = slice(
    backend,
    padded,
    [0, top, left, 0],
    [i.batchSize, height, width, i.inChannels],
  );
  return backend.tensorInfo(
    padImage(backend, inner, [0, i.inHeight - height], [0, i.inWidth - width]),
  );
}

/** Gradient with respect to the weight, `[kh, kw, C, K]`. */
function convWeightGradient(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  dy: tf.TensorInfo,
  i: ConvInfo,
): OnnxValue {
  const image = backend.value(x);
  const input = isPointwise(i)
    ? rows(backend, image)
    : isPatchify(i)
      ? patches(backend, image, i)
      : columns(backend, image, i);
  const dw = matrixProduct(backend, input, rows(backend, backend.value(dy)), { a: true });
  return backend.graph.reshape(dw, i.filterShape);
}

/** A kind of convolution: its sizes, forward pass and gradients. */
interface ConvOps {
  readonly sizes: typeof convInfo;
  readonly forward: typeof conv;
  readonly inputGradient: typeof convInputGradient;
  readonly weightGradient: typeof convWeightGradient;
}

/** Kernels of a kind of convolution under tfjs's names: plain, with bias and activation, and both gradients. */
export function convKernels(plain: string, fused: string, ops: ConvOps): readonly CaptureKernel[] {
  return [
    ...[plain, fused].map((name) =>
      defineKernel<
        Tensors<'x' | 'filter'> & { readonly bias?: tf.TensorInfo },
        ConvAttrs & { readonly activation?: string }
      >(name, (backend, { x, filter, bias }, attrs) => {
        const info = ops.sizes(x.shape, filter.shape, attrs);
        const weight = backend.value(filter);
        const y = ops.forward(backend, x, weight, bias && backend.value(bias), info);
        return activate(backend, y, attrs.activation);
      }),
    ),
    defineKernel<Tensors<'dy' | 'filter'>, ConvAttrs & { readonly inputShape: number[] }>(
      `${plain}BackpropInput`,
      (backend, { dy, filter }, attrs) => {
        const info = ops.sizes(attrs.inputShape, filter.shape, attrs);
        return ops.inputGradient(backend, dy, backend.value(filter), info);
      },
    ),
    defineKernel<Tensors<'x' | 'dy'>, ConvAttrs & { readonly filterShape: number[] }>(
      `${plain}BackpropFilter`,
      (backend, { x, dy }, attrs) => {
        const info = ops.sizes(x.shape, attrs.filterShape, attrs);
        return backend.tensorInfo(ops.weightGradient(backend, x, dy, info));
      },
    ),
  ];
}

/** Dense convolutions and their gradients. */
export const CONV = convKernels('Conv2D', 'FusedConv2D', {
  sizes: convInfo,
  forward: conv,
  inputGradient: convInputGradient,
  weightGradient: convWeightGradient,
});
