import { int } from '../../engine/onnx/graph.js';
import type { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import type { PilFilter } from '../../datasets/transforms/pil-coefficients.js';
import type { GraphComposer, ValueName } from './graph-composer.js';
import type { SizeNodes } from './resize-cv-nodes.js';

/** Fractional bits of Pillow's weights. */
const PRECISION_BITS = 22;

const SUPPORT: Readonly<Record<PilFilter, number>> = { bicubic: 2, bilinear: 1 };

/** Values of Pillow's filters at distances from 0 on, in double precision and in its order of operations. */
function filterNodes(g: GraphComposer, filter: PilFilter, x: ValueName): ValueName {
  const number = (value: number): ValueName => g.doubles([value]);
  const isBelow = (limit: number): ValueName => g.op('Less', [x, number(limit)]);
  if (filter === 'bilinear')
    return g.op('Where', [isBelow(1), g.op('Sub', [number(1), x]), number(0)]);
  const inner = g.op('Sub', [g.op('Mul', [number(1.5), x]), number(2.5)]);
  const near = g.op('Add', [g.chain('Mul', inner, x, x), number(1)]);
  const cubic = g.op('Mul', [
    g.op('Add', [g.op('Mul', [g.op('Sub', [x, number(5)]), x]), number(8)]),
    x,
  ]);
  const far = g.op('Mul', [g.op('Sub', [cubic, number(4)]), number(-0.5)]);
  const beyond = g.op('Where', [isBelow(2), far, number(0)]);
  return g.op('Where', [isBelow(1), near, beyond]);
}

/** Outputs of one axis: how many there are, and those that are computed. */
interface Axis {
  /** int64 `[1]` */
  readonly inSize: ValueName;
  readonly outSize: ValueName;
  /** First output that is computed, int64 `[1]`. */
  readonly offset: ValueName;
  /** Number of outputs that are computed. */
  readonly length: number;
}

/**
 * Nodes of Pillow's weights of one axis: the filter, widened by the downscaling factor, cut at the border, normalized,
 * rounded to 22 bits.
 *
 * @returns float64 `[length, inSize]`, integers
 */
function weightNodes(g: GraphComposer, filter: PilFilter, axis: Axis): ValueName {
  const number = (value: number): ValueName => g.doubles([value]);
  const double = (value: ValueName): ValueName => g.cast(value, 'float64');
  const inSize = double(axis.inSize);
  const scale = g.op('Div', [inSize, double(axis.outSize)]);
  const stretch = g.op('Max', [scale, number(1)]);
  const support = g.op('Mul', [stretch, number(SUPPORT[filter])]);
  const outputs = g.op('Add', [
    g.integers(Array.from({ length: axis.length }, (_, i) => i)),
    axis.offset,
  ]);
  const centers = g.op('Mul', [g.op('Add', [double(outputs), number(0.5)]), scale]);
  const center = g.op('Unsqueeze', [centers, g.integers([1])]); // [length, 1]
  const floor = (value: ValueName): ValueName => g.op('Floor', [g.op('Add', [value, number(0.5)])]);
  const start = g.op('Max', [floor(g.op('Sub', [center, support])), number(0)]);
  const end = g.op('Min', [floor(g.op('Add', [center, support])), inSize]);
  const inputs = double(g.range(axis.inSize)); // [inSize]
  const isInside = g.op('And', [
    g.op('GreaterOrEqual', [inputs, start]),
    g.op('Less', [inputs, end]),
  ]);
  const distance = g.op('Mul', [
    g.op('Add', [g.op('Sub', [inputs, center]), number(0.5)]),
    g.op('Div', [number(1), stretch]),
  ]);
  const values = filterNodes(g, filter, g.op('Abs', [distance]));
  const used = g.op('Where', [isInside, values, number(0)]);
  const sum = g.op('ReduceSum', [used, g.integers([1])], { keepdims: int(1) });
  const scaled = g.op('Mul', [g.op('Div', [used, sum]), number(2 ** PRECISION_BITS)]);
  const away = g.op('Where', [g.op('Less', [scaled, number(0)]), number(-0.5), number(0.5)]);
  return double(g.cast(g.op('Add', [scaled, away]), 'int64')); // rounded half away from zero
}

/** Shifts a sum of weighted pixels to 8 bits, rounded and limited to 0 … 255. */
function toPixels(g: GraphComposer, sums: ValueName): ValueName {
  const rounded = g.op('Add', [sums, g.doubles([2 ** (PRECISION_BITS - 1)])]);
  const floor = g.op('Floor', [g.op('Mul', [rounded, g.doubles([2 ** -PRECISION_BITS])])]);
  return g.op('Min', [g.op('Max', [floor, g.doubles([0])]), g.doubles([255])]);
}

/**
 * Nodes of `resizeForEvaluation`: Pillow's antialiased resize of 8-bit pixels and the crop, bit for bit. Products of
 * integers in double precision are exact.
 *
 * @param image int32 `[N, H, W, 3]`
 * @param from its size
 * @returns int32 `[N, S, S, 3]`
 */
export function resizePilNodes(
  g: GraphComposer,
  image: ValueName,
  from: SizeNodes,
  resize: EvaluationResize,
): ValueName {
  const { filter, inputSize: length } = resize;
  const { size, offset } = geometryNodes(g, from, resize);
  const weights = (side: keyof SizeNodes): ValueName =>
    weightNodes(g, filter, {
      inSize: from[side],
      outSize: size[side],
      offset: offset[side],
      length,
    });
  const planes = g.op('Transpose', [image], { perm: { kind: 'ints', value: [0, 3, 1, 2] } });
  const columns = g.op('Transpose', [weights('width')], { perm: { kind: 'ints', value: [1, 0] } });
  const narrow = toPixels(g, g.op('MatMul', [g.cast(planes, 'float64'), columns])); // [N, 3, H, S]
  const small = toPixels(g, g.op('MatMul', [weights('height'), narrow])); // [N, 3, S, S]
  const pixels = g.cast(small, 'int32');
  return g.op('Transpose', [pixels], { perm: { kind: 'ints', value: [0, 2, 3, 1] } });
}

/** Nodes of `evaluationGeometry`. @returns int64 `[1]` each */
function geometryNodes(
  g: GraphComposer,
  { height, width }: SizeNodes,
  { mode, inputSize, cropFraction, cropOffset }: EvaluationResize,
): { readonly size: SizeNodes; readonly offset: SizeNodes } {
  const zero = g.integers([0]);
  if (mode === 'warp') {
    const side = g.integers([inputSize]);
    return { size: { height: side, width: side }, offset: { height: zero, width: zero } };
  }
  const short = g.integers([Math.trunc(inputSize / cropFraction)]);
  const isLandscape = g.op('Greater', [width, height]);
  const longOf = (long: ValueName, side: ValueName): ValueName =>
    g.op('Div', [g.op('Mul', [short, long]), side]);
  const size = {
    width: g.op('Where', [isLandscape, longOf(width, height), short]),
    height: g.op('Where', [isLandscape, short, longOf(height, width)]),
  };
  const offset = (side: ValueName): ValueName => {
    const two = g.integers([2]);
    const rest = g.op('Sub', [side, g.integers([inputSize])]);
    const half = g.op('Div', [rest, two]);
    if (cropOffset === 'floor') return half;
    // A half is rounded to the even number.
    const isHalf = g.op('Sub', [rest, g.op('Mul', [half, two])]);
    const isOdd = g.op('Sub', [half, g.op('Mul', [g.op('Div', [half, two]), two])]);
    return g.op('Add', [half, g.op('Mul', [isHalf, isOdd])]);
  };
  return { size, offset: { height: offset(size.height), width: offset(size.width) } };
}
