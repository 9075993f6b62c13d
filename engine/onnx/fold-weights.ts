import type { OnnxGraph, OnnxInitializer, OnnxNode } from './graph.js';

/** A constant array of floats. */
interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Inputs of a node that are constants. */
interface Operands {
  readonly weights: readonly (Weight | undefined)[];
  /** Values of an int64 input. */
  integers(input: number): readonly number[] | undefined;
}

/**
 * Computes what depends on weights only, once: layouts of weights, and norms that are folded into them. Products then read
 * weights as they are stored.
 *
 * @param graph with constant weights
 */
export function foldWeights(graph: OnnxGraph): OnnxGraph {
  const constants = new Map(graph.initializers.map((constant) => [constant.name, constant]));
  const nodes = graph.nodes.filter((node) => {
    const folded = resultOf(node, constants);
    if (!folded) return true;
    constants.set(node.outputs[0], { name: node.outputs[0], type: 'float32', ...folded });
    return false;
  });
  const used = new Set([
    ...nodes.flatMap(({ inputs }) => inputs),
    ...graph.outputs.map(({ name }) => name),
  ]);
  const initializers = [...constants.values()].filter(({ name }) => used.has(name));
  return { ...graph, nodes, initializers };
}

/** Result of a node of constants; none for other nodes. */
function resultOf(
  node: OnnxNode,
  constants: ReadonlyMap<string, OnnxInitializer>,
): Weight | undefined {
  const fold = FOLDS[node.op];
  if (!fold || node.domain !== '') return undefined;
  const inputs = node.inputs.map((name) => constants.get(name));
  if (inputs.includes(undefined)) return undefined;
  const weights = inputs.map((input) =>
    input?.data instanceof Float32Array ? { shape: input.shape, data: input.data } : undefined,
  );
  if (!weights[0]) return undefined;
  const integers = (input: number): readonly number[] | undefined => {
    const data = inputs[input]?.data;
    return data instanceof BigInt64Array ? Array.from(data, Number) : undefined;
  };
  return fold({ weights, integers }, node);
}

type Fold = (operands: Operands, node: OnnxNode) => Weight | undefined;

const binary =
  (f: (a: number, b: number) => number): Fold =>
  ({ weights: [a, b] }) =>
    a && b && combined(a, b, f);

const unary =
  (f: (a: number) => number): Fold =>
  ({ weights: [a] }) =>
    a && { shape: a.shape, data: a.data.map(f) };

const FOLDS: Readonly<Record<string, Fold | undefined>> = {
  Mul: binary((a, b) => a * b),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Div: binary((a, b) => a / b),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((a) => 1 / a),
  MatMul: ({ weights: [a, b] }) => a && b && product(a, b),
  Transpose: ({ weights: [x] }, { attributes: { perm } }) =>
    x && perm?.kind === 'ints'
      ? strided(x.data, {
          shape: perm.value.map((axis) => x.shape[axis]),
          strides: perm.value.map((axis) => stridesOf(x.shape)[axis]),
        })
      : undefined,
  Reshape: ({ weights: [x], integers }) => {
    const shape = integers(1);
    return x && shape?.every((size) => size > 0) ? { shape, data: x.data } : undefined;
  },
  Slice: ({ weights: [x], integers }, { inputs }) => {
    const [starts, ends, axes] = [1, 2, 3].map(integers);
    return x && starts && ends && axes && inputs.length === 4
      ? sliced(x, { starts, ends, axes })
      : undefined;
  },
};

/** Strides of a row-major array. */
const stridesOf = (shape: readonly number[]): readonly number[] =>
  shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));

/** Reads an array with strides of its own. */
function strided(
  data: Float32Array,
  {
    shape,
    strides,
    offset = 0,
  }: {
    readonly shape: readonly number[];
    readonly strides: readonly number[];
    readonly offset?: number;
  },
): Weight {
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const position = shape.map(() => 0);
  for (let o = 0, at = offset; o < out.length; o++) {
    out[o] = data[at];
    // Increments the position like an odometer.
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++position[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return { shape, data: out };
}

function sliced(
  { shape, data }: Weight,
  { starts, ends, axes }: Readonly<Record<'starts' | 'ends' | 'axes', readonly number[]>>,
): Weight {
  const strides = stridesOf(shape);
  const sizes = [...shape];
  let offset = 0;
  axes.forEach((axis, i) => {
    sizes[axis] = Math.min(ends[i], shape[axis]) - starts[i];
    offset += starts[i] * strides[axis];
  });
  return strided(data, { shape: sizes, strides, offset });
}

/** Combines arrays whose shapes broadcast. */
function combined(a: Weight, b: Weight, f: (a: number, b: number) => number): Weight {
  const rank = Math.max(a.shape.length, b.shape.length);
  const lift = ({ shape }: Weight): readonly number[] => [
    ...new Array<number>(rank - shape.length).fill(1),
    ...shape,
  ];
  const [left, right] = [lift(a), lift(b)];
  const shape = left.map((size, axis) => Math.max(size, right[axis]));
  const expanded = (x: Weight, own: readonly number[]): Float32Array => {
    if (own.join() === shape.join()) return x.data;
    const strides = stridesOf(own).map((stride, axis) => (own[axis] === 1 ? 0 : stride));
    return strided(x.data, { shape, strides }).data;
  };
  const [l, r] = [expanded(a, left), expanded(b, right)];
  return { shape, data: l.map((value, i) => f(value, r[i])) };
}

/** `[m, k] · [k, n]` with sums in double precision. */
function product(a: Weight, b: Weight): Weight | undefined {
  const [m, k] = a.shape;
  const [height, n] = b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== height) return undefined;
  const data = new Float32Array(m * n);
  const sums = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    sums.fill(0);
    for (let j = 0; j < k; j++) {
      const factor = a.data[i * k + j];
      for (let c = 0; c < n; c++) sums[c] += factor * b.data[j * n + c];
    }
    data.set(sums, i * n);
  }
  return { shape: [m, n], data };
}
