import { numElements } from '../../core/shape.js';
import { int, ints, string, type OnnxValue } from '../onnx/graph.js';
import type { CaptureBackend } from './backend.js';
import { BLOCKED_DOMAIN, padChannels, type MapShape } from './blocked-layout.js';
import { concat, pad, slice } from './kernels/shape.js';
import { reduce } from './reduce.js';
import { channelsToBlocked, toBlocked } from './reorder.js';

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
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return backend.graph.contrib(BLOCKED_DOMAIN, 'Conv', inputs, shape, {
    auto_pad: string('NOTSET'),
    dilations: ints([1, 1]),
    group: int(conv.group),
    pads: ints(conv.pads),
    strides: ints(conv.strides),
  });
}

/** Emits a blocked convolution with stride 1 and without padding. */
export function plainConv(
  backend: CaptureBackend,
  x: OnnxValue,
  weight: OnnxValue,
  { bias, group }: { readonly bias?: OnnxValue | undefined; readonly group: number },
): OnnxValue {
  const [, , kh, kw] = weight.shape;
  return blockedConv(backend, x, weight, bias, {
    block: backend.blockSize,
    kernel: [kh, kw],
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    group,
    size: [x.shape[2] - kh + 1, x.shape[3] - kw + 1],
  });
}

/**
 * Adds two blocked values of the same shape. If one is the result of a blocked convolution, that adds the other one in the
 * same pass; should anything else need the convolution alone, `withoutRepeatedSums` turns this into an addition again.
 */
export function blockedSum(backend: CaptureBackend, a: OnnxValue, b: OnnxValue): OnnxValue {
  const { graph } = backend;
  for (const [conv, other] of [
    [b, a],
    [a, b],
  ]) {
    const producer = graph.producer(conv);
    if (producer?.node.domain !== BLOCKED_DOMAIN || producer.node.op !== 'Conv') continue;
    const [x, weight, bias, sum] = producer.inputs;
    if (sum) continue;
    const { shape } = producer.output;
    const addend = graph.reshape(other, shape);
    const inputs = [x, weight, bias, addend];
    const y = graph.contrib(BLOCKED_DOMAIN, 'Conv', inputs, shape, producer.node.attributes);
    return graph.reshape(y, conv.shape);
  }
  return graph.node('Add', [a, b], a.shape);
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

/**
 * Weight of a 1×1 convolution, `[in, out]` → `[out_p, in_p, 1, 1]`. The layout change of activations serves here as well:
 * read as `in` pixels of `out` channels, the matrix becomes (out / B, in, B).
 */
export function blockedMatrix(backend: CaptureBackend, weight: OnnxValue): OnnxValue {
  const { graph, blockSize: block } = backend;
  const padded = padMatrix(backend, weight);
  const [ip, op] = padded.shape;
  const blocked = toBlocked(graph, graph.reshape(padded, [1, 1, ip, op]), block);
  return graph.reshape(blocked, [op, ip, 1, 1]);
}

/** Weight of the transposed map, out → in: read as `in` channels of `out` pixels, `[in, out]` becomes (in / B, out, B). */
function blockedTranspose(backend: CaptureBackend, weight: OnnxValue): OnnxValue {
  const { graph, blockSize: block } = backend;
  const padded = padMatrix(backend, weight);
  const [ip, op] = padded.shape;
  const blocked = channelsToBlocked(graph, graph.reshape(padded, [1, ip, 1, op]), block);
  return graph.reshape(blocked, [ip, op, 1, 1]);
}

function padMatrix(backend: CaptureBackend, weight: OnnxValue): OnnxValue {
  const [i, o] = weight.shape.map((size) => padChannels(size, backend.blockSize) - size);
  return pad(backend, weight, [
    [0, i],
    [0, o],
  ]);
}

/** A vector for every image or one for all, `[N or 1, 1, 1, C]`, as `[N or 1, Cp]`. */
function blockedVectors(backend: CaptureBackend, x: OnnxValue): OnnxValue {
  const [n, , , c] = x.shape;
  const flat = backend.graph.reshape(x, [n, c]);
  return padLast(backend, flat, padChannels(c, backend.blockSize));
}

/** Options of {@link blockedPointwise}. */
interface PointwiseOptions {
  readonly bias?: OnnxValue | undefined;
  /** Factors of the channels of x, `[N or 1, 1, 1, Cin]`. */
  readonly inScale?: OnnxValue | undefined;
  /** Factors of the channels of the result before the bias, `[N or 1, 1, 1, Cout]`. */
  readonly outScale?: OnnxValue | undefined;
  /** Whether the map is that of the transposed weight. */
  readonly transposed: boolean;
}

/**
 * 1×1 convolution of a blocked value. Scales are multiplied into the weight; those of every image make it a grouped
 * convolution, one group per image.
 *
 * @param x `[N, Cp, H, W]`
 * @param weight `[in, out]`
 */
export function blockedPointwise(
  backend: CaptureBackend,
  x: OnnxValue,
  weight: OnnxValue,
  { bias, inScale, outScale, transposed }: PointwiseOptions,
): OnnxValue {
  const { graph, blockSize: block } = backend;
  const [n, , h, w] = x.shape;
  const matrix = transposed ? blockedTranspose(backend, weight) : blockedMatrix(backend, weight);
  const [op, ip] = matrix.shape;
  const rows = bias && blockedBias(backend, bias, block);
  if (!inScale && !outScale) return plainConv(backend, x, matrix, { bias: rows, group: 1 });
  let scaled = graph.reshape(matrix, [1, op / block, ip, block]);
  if (inScale) {
    const s = blockedVectors(backend, inScale);
    const factor = graph.reshape(s, [s.shape[0], 1, ip, 1]);
    scaled = graph.node('Mul', [scaled, factor], [s.shape[0], op / block, ip, block]);
  }
  if (outScale) {
    const s = blockedVectors(backend, outScale);
    const factor = graph.reshape(s, [s.shape[0], op / block, 1, block]);
    const count = Math.max(scaled.shape[0], s.shape[0]);
    scaled = graph.node('Mul', [scaled, factor], [count, op / block, ip, block]);
  }
  const group = scaled.shape[0];
  const filters = graph.reshape(scaled, [group * op, ip, 1, 1]);
  if (group === 1) return plainConv(backend, x, filters, { bias: rows, group });
  const y = plainConv(backend, graph.reshape(x, [1, n * ip, h, w]), filters, {
    bias: rows && repeated(backend, rows, n),
    group,
  });
  return graph.reshape(y, [n, op, h, w]);
}

/** `[C]` → `[times · C]` */
const repeated = (backend: CaptureBackend, x: OnnxValue, times: number): OnnxValue =>
  concat(backend, Array<OnnxValue>(times).fill(x), 0);

/** Positions from which a map is summed in parts: a running sum over more loses digits. */
const LONG_SUM = 800;

/**
 * Number of parts that the positions of a map are summed in, which are free in the blocked layout: they count as channels.
 * It is the same for most sizes of images, so that they have graphs of the same structure.
 */
function numParts(positions: number): number {
  if (positions <= LONG_SUM) return 1;
  return [16, 8, 4, 2].find((parts) => positions % parts === 0) ?? 1;
}

/** Sum over the parts of {@link numParts}, `[N · Cp / B · parts · B]` in this order → `[N, Cp]`. */
function sumOfParts(
  backend: CaptureBackend,
  x: OnnxValue,
  [n, cp, parts]: readonly [number, number, number],
): OnnxValue {
  const { graph, blockSize: block } = backend;
  if (parts === 1) return graph.reshape(x, [n, cp]);
  const split = graph.reshape(x, [(n * cp) / block, parts, block]);
  return graph.reshape(reduce(backend, 'ReduceSum', split, [1]), [n, cp]);
}

/**
 * Dot products over the positions of every channel: a depthwise convolution of one map with the other as its kernel, which
 * reads both once and writes nothing else.
 *
 * @param a `[N, Cp, H, W]`
 * @param b the same
 * @returns `[N, Cp]`
 */
export function blockedDot(backend: CaptureBackend, a: OnnxValue, b: OnnxValue): OnnxValue {
  const { graph } = backend;
  const [n, cp, h, w] = a.shape;
  const parts = numParts(h * w);
  const group = n * cp * parts;
  const size = parts === 1 ? [h, w] : [(h * w) / parts, 1];
  const image = graph.reshape(a, [1, group, ...size]);
  const kernel = graph.reshape(b, [group, 1, ...size]);
  return sumOfParts(backend, plainConv(backend, image, kernel, { group }), [n, cp, parts]);
}

/**
 * Sum over the positions of every channel.
 *
 * @param x `[N, Cp, H, W]`
 * @returns `[N, Cp]`
 */
export function blockedPositionSum(backend: CaptureBackend, x: OnnxValue): OnnxValue {
  const { graph } = backend;
  const [n, cp, h, w] = x.shape;
  const parts = numParts(h * w);
  const image = graph.reshape(x, [1, n * cp * parts, (h * w) / parts, 1]);
  const shape = [1, n * cp * parts, 1, 1];
  const mean = graph.contrib(BLOCKED_DOMAIN, 'GlobalAveragePool', [image], shape);
  const sums = sumOfParts(backend, mean, [n, cp, parts]);
  return graph.node('Mul', [sums, graph.scalar((h * w) / parts)], sums.shape);
}

/**
 * `a · scale + bias` per channel: a depthwise 1×1 convolution.
 *
 * @param a `[N, Cp, H, W]`
 * @param scale `[N or 1, 1, 1, C]`
 * @param bias `[C]`
 */
export function blockedAffine(
  backend: CaptureBackend,
  a: OnnxValue,
  scale: OnnxValue,
  bias: OnnxValue | undefined,
): OnnxValue {
  const { graph, blockSize: block } = backend;
  const [n, cp, h, w] = a.shape;
  const vectors = blockedVectors(backend, scale);
  const count = vectors.shape[0];
  const filters = graph.reshape(vectors, [count * cp, 1, 1, 1]);
  const shift = bias && repeated(backend, blockedBias(backend, bias, block), count);
  const image = count === 1 ? a : graph.reshape(a, [1, n * cp, h, w]);
  const y = plainConv(backend, image, filters, { bias: shift, group: count * cp });
  return graph.reshape(y, [n, cp, h, w]);
}

/**
 * `narrowᵀ · wide` over the positions: a 1×1 convolution whose input channels are the positions. The blocked wide map is
 * its filter as it stands; the narrow one is its image.
 *
 * @param narrow `[N, H, W, c]`
 * @param wide `[N, Kp, H, W]`, blocked
 * @param perImage whether every image gets its own product; needs H · W to be a multiple of the block
 * @returns blocked, `[N or 1, Kp, 1, c]`
 */
export function blockedOuter(
  backend: CaptureBackend,
  narrow: OnnxValue,
  wide: OnnxValue,
  perImage: boolean,
): OnnxValue {
  const { graph, blockSize: block } = backend;
  const [n, kp, h, w] = wide.shape;
  const c = narrow.shape[3];
  const pixels = n * h * w;
  if (perImage) {
    const image = channelsToBlocked(graph, graph.reshape(narrow, [1, pixels, 1, c]), block);
    const filters = graph.reshape(wide, [n * kp, h * w, 1, 1]);
    return graph.reshape(plainConv(backend, image, filters, { group: n }), [n, kp, 1, c]);
  }
  const full = padChannels(pixels, block);
  const blocks = graph.reshape(wide, [n, kp / block, h * w * block]);
  const joined = graph.reshape(graph.transpose(blocks, [1, 0, 2]), [kp / block, pixels * block]);
  const filters = padLast(backend, joined, full * block);
  const rows = pad(backend, graph.reshape(narrow, [pixels, c]), [
    [0, full - pixels],
    [0, 0],
  ]);
  const image = channelsToBlocked(graph, graph.reshape(rows, [1, full, 1, c]), block);
  return plainConv(backend, image, graph.reshape(filters, [kp, full, 1, 1]), { group: 1 });
}

/** `[N, Cp]` → `[N, 1, 1, C]` */
export function vectorsOf(backend: CaptureBackend, x: OnnxValue, map: MapShape): OnnxValue {
  const [n, , , c] = map;
  return backend.graph.reshape(slice(backend, x, [0, 0], [n, c]), [n, 1, 1, c]);
}
