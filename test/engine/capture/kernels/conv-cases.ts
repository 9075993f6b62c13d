import * as tf from '@tensorflow/tfjs';
import type { KernelCase, KernelTable } from './kernel-case.js';
import { FORWARD_ONLY, float, kernel, text } from './kernel-case.js';

type Pair = readonly [number, number];
type Size = readonly [n: number, h: number, w: number, c: number];
type Pad = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding;

/** A dense convolution: image, kernel `[kh, kw]`, output channels, strides, padding. */
interface Conv {
  readonly x: Size;
  readonly kernel: Pair;
  readonly out: number;
  readonly strides: Pair;
  readonly pad: Pad;
}

const title = ({ x, kernel: k, out, strides, pad }: Conv): string =>
  `${text(x)}, ${k.join('×')} to ${out}, stride ${text(strides)}, ${JSON.stringify(pad)}`;

const asymmetric = (top: number, bottom: number, left: number, right: number): Pad => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

/** Every way the lowerings take: pointwise, patches, blocked, plain; gradients with and without stride. */
const CONVS: readonly Conv[] = [
  { x: [2, 3, 4, 5], kernel: [1, 1], out: 6, strides: [1, 1], pad: 'same' },
  { x: [1, 5, 6, 4], kernel: [1, 1], out: 4, strides: [2, 2], pad: 'valid' },
  { x: [2, 8, 4, 3], kernel: [4, 4], out: 5, strides: [4, 4], pad: 'valid' },
  { x: [1, 7, 5, 4], kernel: [2, 2], out: 3, strides: [2, 2], pad: 'valid' },
  { x: [1, 5, 7, 2], kernel: [2, 3], out: 4, strides: [2, 3], pad: 'valid' },
  { x: [2, 5, 6, 16], kernel: [3, 3], out: 16, strides: [1, 1], pad: 'same' },
  { x: [1, 5, 6, 12], kernel: [3, 3], out: 20, strides: [1, 1], pad: 'same' },
  { x: [2, 5, 6, 3], kernel: [3, 3], out: 5, strides: [1, 1], pad: 'same' },
  { x: [1, 5, 6, 8], kernel: [3, 3], out: 8, strides: [1, 1], pad: 'valid' },
  { x: [1, 6, 7, 8], kernel: [3, 3], out: 4, strides: [2, 2], pad: 'same' },
  { x: [2, 7, 6, 3], kernel: [3, 3], out: 5, strides: [2, 2], pad: 1 },
  { x: [1, 8, 8, 4], kernel: [3, 3], out: 4, strides: [2, 2], pad: 'valid' }, // the last row is unused
  { x: [1, 9, 9, 3], kernel: [2, 2], out: 4, strides: [3, 3], pad: 'valid' }, // gaps between the patches
  { x: [1, 4, 5, 4], kernel: [2, 2], out: 8, strides: [1, 1], pad: 'same' }, // an even kernel pads unevenly
  { x: [1, 4, 5, 3], kernel: [3, 2], out: 2, strides: [1, 2], pad: asymmetric(2, 0, 0, 1) },
  { x: [1, 1, 1, 8], kernel: [5, 5], out: 8, strides: [1, 1], pad: 'same' },
];

const filterOf = (c: Conv): [number, number, number, number] => [...c.kernel, c.x[3], c.out];

const outShape = (c: Conv, depthwise = false): [number, number, number, number] =>
  tf.backend_util.computeConv2DInfo(
    [...c.x],
    filterOf(c),
    [...c.strides],
    1,
    c.pad,
    undefined,
    depthwise,
  ).outShape as [number, number, number, number];

const attributes = (c: Conv): Readonly<Record<string, unknown>> => ({
  strides: c.strides,
  pad: c.pad,
  dataFormat: 'NHWC',
  dilations: [1, 1],
});

const plain = (c: Conv): KernelCase => ({
  name: title(c),
  inputs: { x: float(c.x), filter: float(filterOf(c), [-1, 1], 2) },
  op: ({ x, filter }) =>
    tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, [...c.strides], c.pad as 'same'),
});

const withBias = (c: Conv, activation: 'linear' | 'relu' = 'linear', bias = true): KernelCase => ({
  name: `${title(c)}, ${activation}, bias ${bias}`,
  inputs: {
    ...plain(c).inputs,
    ...(bias ? { bias: float([c.out], [-1, 1], 3) } : {}),
  },
  op: (i) =>
    tf.fused.conv2d({
      x: i.x as tf.Tensor4D,
      filter: i.filter as tf.Tensor4D,
      strides: [...c.strides],
      pad: c.pad as 'same',
      activation,
      ...(bias ? { bias: i.bias } : {}),
    }),
});

const backpropInput = (c: Conv): KernelCase => ({
  name: title(c),
  inputs: { dy: float(outShape(c)), filter: float(filterOf(c), [-1, 1], 2) },
  op: (i) => kernel('Conv2DBackpropInput', i, { ...attributes(c), inputShape: [...c.x] }),
});

const backpropFilter = (c: Conv): KernelCase => ({
  name: title(c),
  inputs: { x: float(c.x), dy: float(outShape(c), [-1, 1], 2) },
  op: (i) => kernel('Conv2DBackpropFilter', i, { ...attributes(c), filterShape: filterOf(c) }),
  ...FORWARD_ONLY, // tfjs has no second derivatives here
});

/** Depthwise convolutions: stride 1; `out` is 1, the multiplier. */
const DEPTHWISE: readonly Conv[] = [
  { x: [2, 9, 8, 16], kernel: [7, 7], out: 1, strides: [1, 1], pad: 'same' },
  { x: [1, 5, 6, 20], kernel: [7, 7], out: 1, strides: [1, 1], pad: 'same' },
  { x: [2, 5, 6, 3], kernel: [3, 3], out: 1, strides: [1, 1], pad: 'same' },
  { x: [1, 5, 6, 8], kernel: [3, 3], out: 1, strides: [1, 1], pad: 'valid' },
  { x: [1, 4, 5, 4], kernel: [2, 2], out: 1, strides: [1, 1], pad: 'same' },
  { x: [1, 4, 5, 4], kernel: [3, 5], out: 1, strides: [1, 1], pad: asymmetric(2, 1, 0, 3) },
  { x: [1, 4, 5, 6], kernel: [1, 1], out: 1, strides: [1, 1], pad: 'same' },
  { x: [2, 1, 1, 12], kernel: [7, 7], out: 1, strides: [1, 1], pad: 'same' },
  { x: [1, 4, 6, 1], kernel: [3, 3], out: 1, strides: [1, 1], pad: 1 },
];

const depthwise = (c: Conv): KernelCase => ({
  name: title(c),
  inputs: { x: float(c.x), filter: float(filterOf(c), [-1, 1], 2) },
  op: ({ x, filter }) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, c.pad as 'same'),
});

const depthwiseWithBias = (c: Conv, activation: 'linear' | 'relu' = 'linear'): KernelCase => ({
  name: `${title(c)}, ${activation}`,
  inputs: { ...depthwise(c).inputs, bias: float([c.x[3]], [-1, 1], 3) },
  op: (i) =>
    tf.fused.depthwiseConv2d({
      x: i.x as tf.Tensor4D,
      filter: i.filter as tf.Tensor4D,
      strides: 1,
      pad: c.pad as 'same',
      activation,
      bias: i.bias,
    }),
});

const depthwiseBackpropInput = (c: Conv): KernelCase => ({
  name: title(c),
  inputs: { dy: float(outShape(c, true)), filter: float(filterOf(c), [-1, 1], 2) },
  op: (i) =>
    kernel('DepthwiseConv2dNativeBackpropInput', i, { ...attributes(c), inputShape: [...c.x] }),
  ...FORWARD_ONLY,
});

const depthwiseBackpropFilter = (c: Conv): KernelCase => ({
  name: title(c),
  inputs: { x: float(c.x), dy: float(outShape(c, true), [-1, 1], 2) },
  op: (i) =>
    kernel('DepthwiseConv2dNativeBackpropFilter', i, {
      ...attributes(c),
      filterShape: filterOf(c),
    }),
  ...FORWARD_ONLY,
});

export const CONV_CASES: KernelTable = {
  Conv2D: CONVS.map(plain),
  FusedConv2D: [
    ...CONVS.map((c) => withBias(c)),
    withBias(CONVS[0], 'relu'),
    withBias(CONVS[5], 'relu'),
    withBias(CONVS[7], 'relu'),
    withBias(CONVS[5], 'linear', false),
  ],
  Conv2DBackpropInput: CONVS.map(backpropInput),
  Conv2DBackpropFilter: CONVS.map(backpropFilter),
  DepthwiseConv2dNative: DEPTHWISE.map(depthwise),
  FusedDepthwiseConv2D: [
    ...DEPTHWISE.map((c) => depthwiseWithBias(c)),
    depthwiseWithBias(DEPTHWISE[0], 'relu'),
    depthwiseWithBias(DEPTHWISE[2], 'relu'),
  ],
  DepthwiseConv2dNativeBackpropInput: DEPTHWISE.map(depthwiseBackpropInput),
  DepthwiseConv2dNativeBackpropFilter: DEPTHWISE.map(depthwiseBackpropFilter),
};
