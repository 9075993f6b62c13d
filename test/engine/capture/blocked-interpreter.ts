import { numElements } from '../../../core/shape.js';
import type { OnnxGraph, OnnxNode } from '../../../engine/onnx/graph.js';

/** A tensor of the interpreter. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * Runs a graph whose blocked operations have blocks of a given size, loop by loop: an oracle for block sizes that this
 * machine's ONNX Runtime does not have. Sums are in float64.
 */
export function interpret(
  graph: OnnxGraph,
  inputs: Readonly<Record<string, Value>>,
  block: number,
): Readonly<Record<string, Value>> {
  const values = new Map<string, Value>(Object.entries(inputs));
  for (const { name, shape, data } of graph.initializers)
    values.set(name, { shape, data: Array.from(data as Float32Array, Number) });
  const shapes = new Map(graph.values?.map(({ name, shape }) => [name, shape]));
  for (const node of graph.nodes) {
    const operands = node.inputs.map((name) => values.get(name));
    const shape = shapes.get(node.outputs[0]) ?? [];
    const run = OPERATIONS[`${node.domain}:${node.op}`];
    if (!run) throw new Error(`interpreter: no ${node.domain} ${node.op}`);
    values.set(node.outputs[0], { shape, data: run(operands as Value[], { node, shape, block }) });
  }
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, values.get(name) as Value]));
}

interface Context {
  readonly node: OnnxNode;
  readonly shape: readonly number[];
  readonly block: number;
}

type Operation = (operands: readonly Value[], context: Context) => ArrayLike<number>;

const number = ({ attributes }: OnnxNode, name: string): number =>
  (attributes[name] as { value: number }).value;
const list = ({ attributes }: OnnxNode, name: string): readonly number[] =>
  (attributes[name] as { value: readonly number[] }).value;

/** Calls `f` with every index of `shape`. */
function forEachIndex(shape: readonly number[], f: (index: number[], flat: number) => void): void {
  const index = shape.map(() => 0);
  for (let flat = 0; flat < numElements(shape); flat++) {
    f(index, flat);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--)
      index[axis] = 0;
  }
}

const flatIndex = (shape: readonly number[], index: readonly number[]): number =>
  index.reduce((flat, i, axis) => flat * shape[axis] + i, 0);

/** Index of a channel and position in the blocked layout of `[N, Cp, positions]`. */
const blockedIndex = (
  block: number,
  [cp, positions]: readonly [number, number],
  [n, c, p]: readonly [number, number, number],
): number => ((n * (cp / block) + Math.floor(c / block)) * positions + p) * block + (c % block);

/** Element-wise with ONNX's broadcasting. */
const binary =
  (f: (a: number, b: number) => number): Operation =>
  ([a, b], { shape }) => {
    const result = new Float64Array(numElements(shape));
    const at = (x: Value, index: readonly number[]): number => {
      const own = index.slice(shape.length - x.shape.length);
      return x.data[flatIndex(x.shape, own.map((i, axis) => (x.shape[axis] === 1 ? 0 : i)))]; // prettier-ignore
    };
    forEachIndex(shape, (index, flat) => (result[flat] = f(at(a, index), at(b, index))));
    return result;
  };

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ':Identity': ([x]) => x.data,
  ':Reshape': ([x]) => x.data,
  ':Add': binary((a, b) => a + b),
  ':Sub': binary((a, b) => a - b),
  ':Mul': binary((a, b) => a * b),
  ':Div': binary((a, b) => a / b),
  ':Expand': ([x], { shape }) => {
    const result = new Float64Array(numElements(shape));
    forEachIndex(shape, (index, flat) => {
      const own = index.map((i, axis) => (x.shape[axis] === 1 ? 0 : i));
      result[flat] = x.data[flatIndex(x.shape, own)];
    });
    return result;
  },
  ':Sqrt': ([x]) => Array.from(x.data, Math.sqrt),
  ':Reciprocal': ([x]) => Array.from(x.data, (value) => 1 / value),
  ':Transpose': ([x], { node, shape }) => {
    const permutation = list(node, 'perm');
    const result = new Float64Array(x.data.length);
    forEachIndex(shape, (index, flat) => {
      const from = x.shape.map((_, axis) => index[permutation.indexOf(axis)]);
      result[flat] = x.data[flatIndex(x.shape, from)];
    });
    return result;
  },
  ':Pad': ([x, amounts], { shape }) => {
    const result = new Float64Array(numElements(shape));
    forEachIndex(x.shape, (index, flat) => {
      const to = index.map((i, axis) => i + amounts.data[axis]);
      result[flatIndex(shape, to)] = x.data[flat];
    });
    return result;
  },
  ':Slice': ([x, starts, , axes], { shape }) => {
    const result = new Float64Array(numElements(shape));
    forEachIndex(shape, (index, flat) => {
      const from = [...index];
      Array.from(axes.data).forEach((axis, i) => (from[axis] += starts.data[i]));
      result[flat] = x.data[flatIndex(x.shape, from)];
    });
    return result;
  },
  ':Concat': (operands) => operands.flatMap(({ data }) => Array.from(data)), // along the first axis
  ':ReduceSum': ([x, axes], { shape }) => {
    const result = new Float64Array(numElements(shape));
    const kept = x.shape.map((_, axis) => !Array.from(axes.data).includes(axis));
    forEachIndex(x.shape, (index, flat) => {
      result[flatIndex(shape, index.filter((_, axis) => kept[axis]))] += x.data[flat]; // prettier-ignore
    });
    return result;
  },
  'com.microsoft.nchwc:ReorderInput': ([x], { node, shape, block }) => {
    const [, cp, h, w] = shape;
    const last = number(node, 'channels_last') === 1;
    const result = new Float64Array(numElements(shape));
    const [n, c] = [x.shape[0], x.shape[last ? 3 : 1]];
    forEachIndex([n, c, h * w], ([image, channel, p]) => {
      const from = last ? (image * h * w + p) * c + channel : (image * c + channel) * h * w + p;
      result[blockedIndex(block, [cp, h * w], [image, channel, p])] = x.data[from];
    });
    return result;
  },
  'com.microsoft.nchwc:ReorderOutput': ([x], { node, shape, block }) => {
    const [n, cp, h, w] = x.shape;
    const c = number(node, 'channels');
    const last = number(node, 'channels_last') === 1;
    const result = new Float64Array(numElements(shape));
    forEachIndex([n, c, h * w], ([image, channel, p]) => {
      const to = last ? (image * h * w + p) * c + channel : (image * c + channel) * h * w + p;
      result[to] = x.data[blockedIndex(block, [cp, h * w], [image, channel, p])];
    });
    return result;
  },
  'com.microsoft.nchwc:GlobalAveragePool': ([x], { shape, block }) => {
    const [n, cp, h, w] = x.shape;
    const result = new Float64Array(numElements(shape));
    forEachIndex([n, cp, h * w], ([image, c, p]) => {
      result[image * cp + c] += x.data[blockedIndex(block, [cp, h * w], [image, c, p])] / (h * w);
    });
    return result;
  },
  'com.microsoft.nchwc:Conv': ([x, weight, bias, sum], { node, shape, block }) => {
    const group = number(node, 'group');
    const [strides, pads] = [list(node, 'strides'), list(node, 'pads')];
    const [, channels, h, w] = x.shape;
    const [, perGroup, kh, kw] = weight.shape;
    const [, outputs, height, width] = shape;
    const result = new Float64Array(numElements(shape));
    const own = outputs / group;
    forEachIndex([shape[0], outputs, height * width], ([n, k, p]) => {
      const [oy, ox] = [Math.floor(p / width), p % width];
      const first = Math.floor(k / own) * (channels / group);
      let total = bias?.data[k] ?? 0;
      forEachIndex([perGroup, kh, kw], ([c, dy, dx]) => {
        const [y, xx] = [oy * strides[0] - pads[0] + dy, ox * strides[1] - pads[1] + dx];
        if (y < 0 || xx < 0 || y >= h || xx >= w) return;
        const tap = dy * kw + dx;
        // Depthwise filters: (K / B, taps, B); others: (K / B, C / B, taps, input in block, output in block).
        const at =
          perGroup === 1
            ? (Math.floor(k / block) * kh * kw + tap) * block + (k % block)
            : (((Math.floor(k / block) * (perGroup / block) + Math.floor(c / block)) * kh * kw +
                tap) *
                block +
                (c % block)) *
                block +
              (k % block);
        const from = blockedIndex(block, [channels, h * w], [n, first + c, y * w + xx]);
        total += weight.data[at] * x.data[from];
      });
      const to = blockedIndex(block, [outputs, height * width], [n, k, p]);
      result[to] = total + (sum?.data[to] ?? 0);
    });
    return result;
  },
};
