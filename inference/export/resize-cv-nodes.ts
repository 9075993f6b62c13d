import { string } from '../../engine/onnx/graph.js';
import type { GraphComposer, ValueName } from './graph-composer.js';

/** Height and width, int64 `[1]` each. */
export interface SizeNodes {
  readonly height: ValueName;
  readonly width: ValueName;
}

/** Unit of OpenCV's weights. */
const ONE = 2048;

/** Two inputs of every output of an axis and their weights. */
interface Taps {
  /** int64 `[out]`, the lower input before clamping. */
  readonly index: ValueName;
  readonly low: ValueName;
  readonly high: ValueName;
  /** int32 `[out]` */
  readonly weights: readonly [ValueName, ValueName];
}

/** Nodes of the inputs and weights of one axis in the precisions of OpenCV. @param inSize and out int64 `[1]` */
function taps(g: GraphComposer, inSize: ValueName, out: ValueName): Taps {
  const double = (value: ValueName): ValueName => g.cast(value, 'float64');
  const scale = g.op('Div', [g.doubles([1]), g.op('Div', [double(out), double(inSize)])]);
  const centers = g.op('Add', [double(g.range(out)), g.doubles([0.5])]);
  const exact = g.op('Sub', [g.op('Mul', [centers, scale]), g.doubles([0.5])]);
  const position = g.cast(exact, 'float32');
  const floor = g.op('Floor', [position]);
  const fraction = g.op('Sub', [position, floor]);
  const fixed = (weight: ValueName): ValueName =>
    g.cast(g.op('Round', [g.op('Mul', [weight, g.floats([ONE])])]), 'int32');
  const index = g.cast(floor, 'int64');
  const last = g.op('Sub', [inSize, g.integers([1])]);
  const clamped = (at: ValueName): ValueName =>
    g.op('Min', [g.op('Max', [at, g.integers([0])]), last]);
  return {
    index,
    low: clamped(index),
    high: clamped(g.op('Add', [index, g.integers([1])])),
    weights: [fixed(g.op('Sub', [g.floats([1]), fraction])), fixed(fraction)],
  };
}

/** At the left and right border only the edge pixel has weight. */
function withEdges(g: GraphComposer, { index, weights }: Taps, inSize: ValueName): Taps['weights'] {
  const isEdge = g.op('Or', [
    g.op('Less', [index, g.integers([0])]),
    g.op('GreaterOrEqual', [index, g.op('Sub', [inSize, g.integers([1])])]),
  ]);
  return [
    g.op('Where', [isEdge, g.int32s([ONE]), weights[0]]),
    g.op('Where', [isEdge, g.int32s([0]), weights[1]]),
  ];
}

/** Quotient by a power of two of values from 0 on, a shift to the right. */
const shifted = (g: GraphComposer, value: ValueName, bits: number): ValueName =>
  g.op('Div', [value, g.int32s([2 ** bits])]);

/**
 * Nodes of `resizeLinearCv`: OpenCV's bilinear resize of 8-bit pixels, bit for bit, in integers.
 *
 * @param image int32 `[N, H, W, 3]`
 * @param from and to sizes of the image and of the result
 * @returns int32 `[N, height, width, 3]`
 */
export function resizeCvNodes(
  g: GraphComposer,
  image: ValueName,
  from: SizeNodes,
  to: SizeNodes,
): ValueName {
  const columns = taps(g, from.width, to.width);
  const rows = taps(g, from.height, to.height);
  const blend = (
    source: ValueName,
    axis: number,
    { low, high }: Taps,
    weights: Taps['weights'],
    bits: number,
  ): ValueName => {
    const unsqueezed = axis === 1 ? [1, 2] : [1];
    const term = (indices: ValueName, weight: ValueName): ValueName =>
      g.op('Mul', [
        g.op('Gather', [source, indices], { axis: { kind: 'int', value: axis } }),
        g.op('Unsqueeze', [weight, g.integers(unsqueezed)]),
      ]);
    const [first, second] = [term(low, weights[0]), term(high, weights[1])];
    // The vertical step rounds each term down, the horizontal one their sum.
    return axis === 1
      ? g.op('Add', [shifted(g, first, bits), shifted(g, second, bits)])
      : shifted(g, g.op('Add', [first, second]), bits);
  };
  const wide = blend(image, 2, columns, withEdges(g, columns, from.width), 4);
  const sum = blend(wide, 1, rows, rows.weights, 16);
  return shifted(g, g.op('Add', [sum, g.int32s([2])]), 2);
}

/**
 * Nodes of the bilinear resize of scores, with half-pixel centers.
 *
 * @param maps float32 `[N, K, h, w]`
 * @returns float32 `[N, K, height, width]`
 */
export function resizeScoresNodes(
  g: GraphComposer,
  maps: ValueName,
  { height, width }: SizeNodes,
): ValueName {
  const leading = g.op('Slice', [g.op('Shape', [maps]), g.integers([0]), g.integers([2])]);
  return g.op('Resize', [maps, '', '', g.concat([leading, height, width])], {
    mode: string('linear'),
    coordinate_transformation_mode: string('half_pixel'),
  });
}
