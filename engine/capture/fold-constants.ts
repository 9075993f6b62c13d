import { numElements } from '../../core/shape.js';
import type { OnnxNode } from '../onnx/graph.js';
import { BLOCKED_DOMAIN } from './blocked-layout.js';

/** A constant that is known while the graph is built; its values are computed when they are needed. */
interface Known {
  readonly shape: readonly number[];
  readonly read: () => Float32Array;
  /** Expression in terms of weights; none if it depends on other constants. */
  readonly expression?: string | undefined;
}

/** Looks up values of a graph. */
interface Values {
  /** Float constants and weights by name. */
  constant(name: string): Known | undefined;
  /** Shape of a node's output. */
  shape(name: string): readonly number[];
  /** Value of a constant int64 vector. */
  integers(name: string): readonly number[] | undefined;
  /** Number of channels of a block. */
  readonly block: number;
}

/** Constants that replace nodes. */
interface Folded {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, Known>;
}

/**
 * Finds what depends on constant weights only, for the operations of which their blocked layouts are made: ONNX Runtime
 * folds standard operations, but no layout changes, and would hold weights twice meanwhile.
 *
 * @param nodes in a valid order of execution
 */
export function foldConstants(nodes: readonly OnnxNode[], values: Values): Folded {
  const constants = new Map<string, Known>();
  const find = (name: string): Known | undefined => constants.get(name) ?? values.constant(name);
  const rest = nodes.filter((node) => {
    const fold = FOLDS[`${node.domain}:${node.op}`];
    const inputs = node.inputs.map(find);
    if (!fold || !inputs[0]) return true;
    const [output] = node.outputs;
    const shape = values.shape(output);
    const compute = fold(inputs, { node, values, shape });
    if (!compute) return true;
    // Operands of integers are shapes, which the shape of the result tells as well.
    const operands = inputs.filter((input) => input !== undefined);
    const expression = operands.every((operand) => operand.expression !== undefined)
      ? `${node.op}(${operands.map((operand) => operand.expression).join()})[${shape.join()}]`
      : undefined;
    let data: Float32Array | undefined;
    constants.set(output, { shape, expression, read: () => (data ??= compute()) });
    return false;
  });
  return { nodes: rest, constants };
}

/** Context of an operation besides its inputs. */
interface Context {
  readonly node: OnnxNode;
  readonly values: Values;
  /** Shape of the result. */
  readonly shape: readonly number[];
}

/** Computation of a result; none if the operands are of another kind. */
type Fold = (
  inputs: readonly (Known | undefined)[],
  context: Context,
) => (() => Float32Array) | undefined;

const FOLDS: Readonly<Record<string, Fold>> = {
  ':Reshape': ([x]) => x?.read,
  ':Mul': ([a, b]) => a && b && combined(a, b, (x, y) => x * y),
  ':Add': ([a, b]) => a && b && combined(a, b, (x, y) => x + y),
  ':MatMul': ([a, b]) => a && b && rowProduct(a, b),
  ':Pad': ([x], { node, values, shape }) => {
    const amounts = values.integers(node.inputs[1]);
    return x && amounts && padded(x, amounts, shape);
  },
  [`${BLOCKED_DOMAIN}:ReorderInput`]: ([x], { node, values, shape }) =>
    x && reordered(x, node, shape, values.block),
};

/** Combines equal shapes, or a matrix with a factor per row. */
function combined(
  a: Known,
  b: Known,
  f: (x: number, y: number) => number,
): (() => Float32Array) | undefined {
  const equal = a.shape.join() === b.shape.join();
  const [rows, columns] = equal ? [1, numElements(a.shape)] : a.shape;
  if (!equal && (a.shape.length !== 2 || b.shape.join() !== `${rows},1`)) return undefined;
  return () => {
    const [left, right] = [a.read(), b.read()];
    const result = new Float32Array(left.length);
    for (let r = 0, i = 0; r < rows; r++) {
      const factor = right[r];
      for (let end = i + columns; i < end; i++) result[i] = f(left[i], equal ? right[i] : factor);
    }
    return result;
  };
}

/** `[1, in] · [in, out]` */
function rowProduct(a: Known, b: Known): (() => Float32Array) | undefined {
  const [rows, inner] = a.shape;
  const [height, columns] = b.shape;
  if (a.shape.length !== 2 || b.shape.length !== 2 || rows !== 1 || inner !== height)
    return undefined;
  return () => {
    const [left, right] = [a.read(), b.read()];
    const sums = new Float64Array(columns);
    for (let r = 0, i = 0; r < inner; r++) {
      const factor = left[r];
      for (let c = 0; c < columns; c++, i++) sums[c] += factor * right[i];
    }
    return Float32Array.from(sums);
  };
}

/** Pads a vector or matrix with zeros behind its values. */
function padded(
  { shape, read }: Known,
  amounts: readonly number[],
  to: readonly number[],
): (() => Float32Array) | undefined {
  if (shape.length > 2 || amounts.slice(0, shape.length).some((amount) => amount !== 0))
    return undefined;
  const [from, width] = [shape.at(-1) ?? 1, to.at(-1) ?? 1];
  return () => {
    const data = read();
    const result = new Float32Array(numElements(to));
    for (let r = 0; r * from < data.length; r++)
      result.set(data.subarray(r * from, (r + 1) * from), r * width);
    return result;
  };
}

/** The blocked layout (C / B, positions, B) of one image. */
function reordered(
  { shape, read }: Known,
  { attributes }: OnnxNode,
  [images, channels, h, w]: readonly number[],
  block: number,
): (() => Float32Array) | undefined {
  const last = attributes['channels_last'];
  if (images !== 1 || last.kind !== 'int') return undefined;
  const positions = h * w;
  const given = last.value === 1 ? shape[3] : shape[1];
  const [ofChannel, ofPosition] = last.value === 1 ? [1, given] : [positions, 1];
  return () => {
    const data = read();
    const result = new Float32Array(channels * positions);
    for (let first = 0, to = 0; first < channels; first += block) {
      const lanes = Math.min(block, given - first);
      for (let p = 0; p < positions; p++, to += block) {
        const from = first * ofChannel + p * ofPosition;
        for (let lane = 0; lane < lanes; lane++) result[to + lane] = data[from + lane * ofChannel];
      }
    }
    return result;
  };
}
