import type { CaptureBackend } from '../backend.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import { int, type OnnxValue } from '../../onnx/graph.js';
import { numElements } from '../../../core/shape.js';

type X = Tensors<'x'>;

function axesOf(axis: number | readonly number[] | null | undefined, rank: number): number[] {
  if (axis === null || axis === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = typeof axis === 'number' ? [axis] : [...axis];
  return list.map((i) => (i < 0 ? i + rank : i)).sort((a, b) => a - b);
}

/**
 * Emits a reduction after merging adjacent axes, because ONNX Runtime has fast paths for few axes (a 2-D sum over rows is
 * several times faster than the same sum over three axes).
 *
 * @returns the value without the reduced axes
 */
export function reduce(
  backend: CaptureBackend,
  op: string,
  x: OnnxValue,
  axes: readonly number[],
): OnnxValue {
  const { graph } = backend;
  const kept = x.shape.filter((_, axis) => !axes.includes(axis));
  if (numElements(x.shape) === numElements(kept)) return graph.reshape(x, kept);
  const groups: { size: number; reduced: boolean }[] = [];
  x.shape.forEach((size, axis) => {
    if (size === 1) return;
    const reduced = axes.includes(axis);
    const last = groups.at(-1);
    if (last?.reduced === reduced) last.size *= size;
    else groups.push({ size, reduced });
  });
  const merged = graph.reshape(
    x,
    groups.map(({ size }) => size),
  );
  const step = (value: OnnxValue, over: readonly number[]): OnnxValue => {
    const shape = value.shape.filter((_, axis) => !over.includes(axis));
    return graph.node(op, [value, graph.shapeConstant(over)], shape, { keepdims: int(0) });
  };
  const [first, second] = groups;
  const parts = groups.length === 2 && first.reduced && splits(op, first.size);
  if (parts) {
    // ONNX Runtime runs a sum over rows in one long loop; split into chunks it is three times as fast.
    const split = graph.reshape(merged, [parts, first.size / parts, second.size]);
    return graph.reshape(step(step(split, [1]), [0]), kept);
  }
  const over = groups.flatMap(({ reduced }, i) => (reduced ? [i] : []));
  return graph.reshape(step(merged, over), kept);
}

/** Number of chunks that a sum over `rows` rows is split into; 0 for no split. */
function splits(op: string, rows: number): number {
  if (rows < 256 || (op !== 'ReduceSum' && op !== 'ReduceMean')) return 0;
  return [16, 12, 8, 7, 6, 5, 4].find((parts) => rows % parts === 0) ?? 0;
}

function reduction(
  name: string,
  op: string,
  attribute: 'axis' | 'reductionIndices',
): CaptureKernel {
  return defineKernel<
    X,
    {
      readonly axis?: number | number[];
      readonly reductionIndices?: number | number[];
      readonly keepDims: boolean;
    }
  >(name, (backend, { x }, attrs) => {
    const axes = axesOf(attrs[attribute], x.shape.length);
    const input = backend.value(x);
    // In tfjs, means of integers are floats.
    const number =
      name === 'Mean' && x.dtype !== 'float32' ? backend.graph.cast(input, 'float32') : input;
    const result = reduce(backend, op, number, axes);
    const shape = attrs.keepDims
      ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
      : result.shape;
    return backend.tensorInfo(backend.graph.reshape(result, shape));
  });
}

function argReduction(name: string, op: string): CaptureKernel {
  return defineKernel<X, { readonly axis: number }>(name, (backend, { x }, { axis }) => {
    const { graph } = backend;
    const [at] = axesOf(axis, x.shape.length);
    const shape = x.shape.filter((_, i) => i !== at);
    const attributes = { axis: int(at), keepdims: int(0) };
    const indices = graph.node(op, [backend.value(x)], shape, attributes, 'int64');
    return backend.tensorInfo(graph.cast(indices, 'int32'));
  });
}

/** @param attribute name of the axis among tfjs's attributes */
function softmax(name: string, attribute: 'dim' | 'axis'): CaptureKernel {
  return defineKernel<Tensors<'logits'>, Readonly<Record<typeof attribute, number>>>(
    name,
    (backend, { logits }, attrs) => {
      const attributes = { axis: int(attrs[attribute]) };
      return backend.tensorInfo(
        backend.graph.node(name, [backend.value(logits)], logits.shape, attributes),
      );
    },
  );
}

/** Reductions and softmax. */
export const REDUCE: readonly CaptureKernel[] = [
  reduction('Sum', 'ReduceSum', 'axis'),
  reduction('Mean', 'ReduceMean', 'axis'),
  reduction('Prod', 'ReduceProd', 'axis'),
  reduction('Max', 'ReduceMax', 'reductionIndices'),
  reduction('Min', 'ReduceMin', 'axis'),
  argReduction('ArgMax', 'ArgMax'),
  argReduction('ArgMin', 'ArgMin'),
  softmax('Softmax', 'dim'),
  softmax('LogSoftmax', 'axis'),
  defineKernel<
    Tensors<'indices'>,
    {
      readonly depth: number;
      readonly onValue: number;
      readonly offValue: number;
      readonly dtype: string;
    }
  >('OneHot', (backend, { indices }, { depth, onValue, offValue, dtype }) => {
    // Not ONNX's OneHot, which counts negative indices from the end and supports few types in ONNX Runtime.
    const { graph } = backend;
    const shape = [...indices.shape, depth];
    const column = graph.reshape(backend.value(indices), [...indices.shape, 1]);
    const classes = Int32Array.from({ length: depth }, (_, k) => k);
    const range = graph.constant(classes, [depth], 'int32');
    const hit = graph.node('Equal', [column, range], shape, {}, 'bool');
    const type = dtype === 'float32' ? 'float32' : 'int32';
    if (onValue === 1 && offValue === 0) return backend.tensorInfo(graph.cast(hit, type));
    const [on, off] = [onValue, offValue].map((value) =>
      graph.constant(type === 'float32' ? Float32Array.of(value) : Int32Array.of(value), [], type),
    );
    return backend.tensorInfo(graph.node('Where', [hit, on, off], shape, {}, type));
  }),
];
