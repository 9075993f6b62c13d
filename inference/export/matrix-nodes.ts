import { ExportError } from '../../core/errors.js';
import { poolingMatrix } from '../../engine/ops/adaptive-pool.js';
import { bilinearMatrix } from '../../engine/ops/resize.js';
import { shiftedBilinear } from '../../heads/upernet-resized-conv.js';
import type { GraphComposer, ValueName } from './graph-composer.js';

/**
 * Matrices of one axis by which networks resize and pool maps, `[out, columns]`. In a graph for any size, they are computed
 * from the sizes.
 */
interface AxisMatrix {
  /** Size of the input for a number of columns; not an integer if there can be none. */
  readonly inSize: (columns: number) => number;
  readonly values: (inSize: number, out: number) => Float32Array;
  /** @param inSize and out int64 `[1]` */
  readonly nodes: (g: GraphComposer, inSize: ValueName, out: ValueName) => ValueName;
}

/** Numbers 0 … count − 1 in the precision of sizes. @param count int64 `[1]` @returns float64 `[count]` */
const range = (g: GraphComposer, count: ValueName): ValueName => g.cast(g.range(count), 'float64');

const column = (g: GraphComposer, x: ValueName): ValueName =>
  g.op('Unsqueeze', [x, g.integers([1])]);

/**
 * Nodes of `bilinearMatrix` for given outputs: the weight of an input falls linearly with its distance from the position.
 *
 * @param outputs float64 `[rows]`
 * @returns float64 `[rows, inSize]`
 */
function interpolation(
  g: GraphComposer,
  outputs: ValueName,
  inSize: ValueName,
  out: ValueName,
): ValueName {
  const [columns, rows] = [g.cast(inSize, 'float64'), g.cast(out, 'float64')];
  const scaled = g.op('Div', [
    g.op('Mul', [g.op('Add', [outputs, g.doubles([0.5])]), columns]),
    rows,
  ]);
  const free = g.op('Max', [g.op('Sub', [scaled, g.doubles([0.5])]), g.doubles([0])]);
  const position = g.op('Min', [free, g.op('Sub', [columns, g.doubles([1])])]);
  const distance = g.op('Abs', [g.op('Sub', [column(g, position), range(g, inSize)])]);
  return g.op('Relu', [g.op('Sub', [g.doubles([1]), distance])]); // [rows, inSize]
}

const MATRICES: readonly AxisMatrix[] = [
  {
    inSize: (columns) => columns,
    values: bilinearMatrix,
    nodes: (g, inSize, out) => interpolation(g, range(g, out), inSize, out),
  },
  {
    inSize: (columns) => columns,
    values: poolingMatrix,
    nodes: (g, inSize, out) => {
      const [columns, rows] = [g.cast(inSize, 'float64'), g.cast(out, 'float64')];
      const bins = range(g, out);
      const bound = (round: string, bin: ValueName): ValueName =>
        column(g, g.op(round, [g.op('Div', [g.op('Mul', [bin, columns]), rows])]));
      const start = bound('Floor', bins);
      const end = bound('Ceil', g.op('Add', [bins, g.doubles([1])]));
      const inputs = range(g, inSize);
      const isInside = g.op('And', [
        g.op('GreaterOrEqual', [inputs, start]),
        g.op('Less', [inputs, end]),
      ]);
      return g.op('Div', [g.cast(isInside, 'float64'), g.op('Sub', [end, start])]);
    },
  },
  {
    inSize: (columns) => columns / 3,
    values: shiftedBilinear,
    nodes: (g, inSize, out) => {
      const last = g.op('Sub', [g.cast(out, 'float64'), g.doubles([1])]);
      const taps = [-1, 0, 1].map((shift) => {
        const outputs = g.op('Add', [range(g, out), g.doubles([shift])]);
        const isInside = g.op('And', [
          g.op('GreaterOrEqual', [outputs, g.doubles([0])]),
          g.op('LessOrEqual', [outputs, last]),
        ]);
        const weights = interpolation(g, outputs, inSize, out);
        return g.op('Where', [column(g, isInside), weights, g.doubles([0])]);
      });
      return g.concat(taps, 1); // [out, 3 · inSize]
    },
  },
];

/** A constant of a network in one trace, by which its rule is recognized. */
export interface TracedMatrix {
  /** `[…, out, columns]`, axes before the last two of size 1. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The weight of one of n inputs, of which pooling to a single bin consists. */
function shareNodes(
  g: GraphComposer,
  members: readonly TracedMatrix[],
  vector: (values: readonly (readonly number[])[]) => ValueName,
): ValueName {
  const counts = members.map(({ data }) => Math.round(1 / data[0]));
  if (!members.every(({ data }, i) => data[0] === Math.fround(1 / counts[i])))
    throw new ExportError(
      `export: expected constants that resize or pool, got ${members.map(({ data }) => data[0]).join(', ')}`,
    );
  const count = g.cast(vector(counts.map((n) => [n])), 'float32');
  return g.op('Squeeze', [g.op('Div', [g.floats([1]), count]), g.integers([0])]);
}

/**
 * Emits the nodes of a matrix that depends on the sizes of the input.
 *
 * @param members its values by trace
 * @param vector emits a vector of sizes, given its values by trace
 * @throws ExportError if it neither resizes nor pools
 */
export function matrixNodes(
  g: GraphComposer,
  members: readonly TracedMatrix[],
  vector: (values: readonly (readonly number[])[]) => ValueName,
): ValueName {
  if (members.every(({ shape }) => shape.length === 0)) return shareNodes(g, members, vector);
  const sizes = members.map(({ shape }) => ({ out: shape.at(-2)!, columns: shape.at(-1)! }));
  const rule = MATRICES.find(({ inSize, values }) =>
    members.every(({ data }, i) => {
      const { out, columns } = sizes[i];
      const own = inSize(columns);
      if (!Number.isInteger(own)) return false;
      const expected = values(own, out);
      return expected.length === data.length && expected.every((v, at) => v === data[at]);
    }),
  );
  if (!rule)
    throw new ExportError(
      `export: expected constants that resize or pool, got one of [${members[0].shape.join(', ')}] that changes with the size of the image`,
    );
  const inSize = vector(sizes.map(({ columns }) => [rule.inSize(columns)]));
  const out = vector(sizes.map((size) => [size.out]));
  const matrix = rule.nodes(g, inSize, out);
  return g.op('Reshape', [g.cast(matrix, 'float32'), vector(members.map(({ shape }) => shape))]);
}
