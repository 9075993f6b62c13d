import { numElements } from '../../core/shape.js';
import { int, ints, string, type OnnxValue } from '../onnx/graph.js';
import type { CaptureBackend } from './backend.js';
import { pad } from './kernels/shape.js';

/**
 * ONNX Runtime's blocked CPU convolutions, emitted explicitly. Its optimizer uses them only for constant weights, but the
 * kernels accept any. Channels are stored in blocks of `B` (16 with AVX-512, 8 otherwise), so channel counts are rounded
 * up to a multiple of `B`; the padding is zero.
 */
const DOMAIN = 'com.microsoft.nchwc';

/** Rounds `channels` up to a multiple of `block`. */
export const padChannels = (channels: number, block: number): number =>
  Math.ceil(channels / block) * block;

/** Whether the layout conversion accepts this number of channels. */
export const canBlock = (channels: number): boolean => channels % 4 === 0;

/** Attributes of a convolution. */
interface BlockedConv {
  readonly block: number;
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** `[top, left, bottom, right]` */
  readonly pads: readonly [number, number, number, number];
  readonly group: number;
  /** `[height, width]` of the result. */
  readonly size: readonly [number, number];
}

/** Converts `[N, H, W, C]` to the blocked layout, declared as `[N, Cp, H, W]`. */
export function toBlocked(backend: CaptureBackend, x: OnnxValue, block: number): OnnxValue {
  const [n, h, w, c] = x.shape;
  return backend.graph.contrib(DOMAIN, 'ReorderInput', [x], [n, padChannels(c, block), h, w], {
    channels_last: int(1),
  });
}

/** Converts blocked `[N, Cp, H, W]` to `[N, H, W, channels]`. */
export function fromBlocked(backend: CaptureBackend, x: OnnxValue, channels: number): OnnxValue {
  const [n, , h, w] = x.shape;
  return backend.graph.contrib(DOMAIN, 'ReorderOutput', [x], [n, h, w, channels], {
    channels: int(channels),
    channels_last: int(1),
  });
}

/**
 * Emits the blocked convolution; input and output are blocked. The kernel's size is that of the weight, not an attribute,
 * because in gradients it is the image's.
 */
export function blockedConv(
  backend: CaptureBackend,
  x: OnnxValue,
  weight: OnnxValue,
  bias: OnnxValue | undefined,
  conv: BlockedConv,
): OnnxValue {
  const shape = [x.shape[0], weight.shape[0], ...conv.size];
  return backend.graph.contrib(DOMAIN, 'Conv', bias ? [x, weight, bias] : [x, weight], shape, {
    auto_pad: string('NOTSET'),
    dilations: ints([1, 1]),
    group: int(conv.group),
    pads: ints(conv.pads),
    strides: ints(conv.strides),
  });
}

/** Pads the last axis with zeros to `size`. */
function padLast(backend: CaptureBackend, x: OnnxValue, size: number): OnnxValue {
  const missing = size - (x.shape.at(-1) ?? 0);
  return pad(
    backend,
    x,
    x.shape.map((_, axis) => [0, axis === x.shape.length - 1 ? missing : 0] as const),
  );
}

/** `[C]` → `[Cp]`. */
export function blockedBias(backend: CaptureBackend, bias: OnnxValue, block: number): OnnxValue {
  const flat = backend.graph.reshape(bias, [numElements(bias.shape)]);
  return padLast(backend, flat, padChannels(flat.shape[0], block));
}

/** Depthwise weights `[kh, kw, C, 1]` → `[Cp, 1, kh, kw]`, with the channel within its block innermost. */
export function blockedDepthwiseWeight(
  backend: CaptureBackend,
  weight: OnnxValue,
  block: number,
): OnnxValue {
  const { graph } = backend;
  const [kh, kw, c] = weight.shape;
  const cp = padChannels(c, block);
  const taps = padLast(backend, graph.reshape(weight, [kh * kw, c]), cp);
  const blocked = graph.transpose(graph.reshape(taps, [kh * kw, cp / block, block]), [1, 0, 2]);
  return graph.reshape(blocked, [cp, 1, kh, kw]);
}

/** Dense weights `[kh, kw, C, K]` → `[Kp, Cp, kh, kw]` in the order (K/B, C/B, kh, kw, input in block, output in block). */
export function blockedWeight(
  backend: CaptureBackend,
  weight: OnnxValue,
  block: number,
): OnnxValue {
  const { graph } = backend;
  const [kh, kw, c, k] = weight.shape;
  const [cp, kp] = [padChannels(c, block), padChannels(k, block)];
  const padded = pad(backend, weight, [
    [0, 0],
    [0, 0],
    [0, cp - c],
    [0, kp - k],
  ]);
  const split = graph.reshape(padded, [kh, kw, cp / block, block, kp / block, block]);
  return graph.reshape(graph.transpose(split, [4, 2, 0, 1, 3, 5]), [kp, cp, kh, kw]);
}
