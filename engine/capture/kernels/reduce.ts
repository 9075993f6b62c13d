import type * as tf from '@tensorflow/tfjs';
import type { CaptureBackend } from '../backend.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import { int, type OnnxValue } from '../../onnx/graph.js';
import { numElements, sameShape } from '../../../core/shape.js';
import { blockedPositionSum } from '../nchwc.js';
import { reduce } from '../reduce.js';
import { slice } from './shape.js';

type X = Tensors<'x'>;

function axesOf(axis: number | readonly number[] | null | undefined, rank: number): number[] {
  if (axis === null || axis === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = typeof axis === 'number' ? [axis] : [...axis];
  return list.map((i) => (i < 0 ? i + rank : i)).sort((a, b) => a - b);
}

/**
 * Sum of a map in the blocked layout over its positions, `[N, C]`, or over those of all images, `[C]`; none if `axes` are
 * others.
 */
function overPositions(
  backend: CaptureBackend,
  x: tf.TensorInfo,
  axes: readonly number[],
): OnnxValue | undefined {
  const record = backend.blocked(x);
  if (!record) return undefined;
  const { value, map } = record;
  const [n, , , c] = map;
  const last = x.shape.length - 1;
  const allButChannels = x.shape[last] === c && axes.length === last && !axes.includes(last);
  const perImage = sameShape(x.shape, map) && axes.join() === '1,2';
  if (!allButChannels && !perImage) return undefined;
  const sums = slice(backend, blockedPositionSum(backend, value), [0, 0], [n, c]);
  return perImage ? sums : reduce(backend, 'ReduceSum', sums, [0]);
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
    const shape = attrs.keepDims
      ? x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
      : x.shape.filter((_, axis) => !axes.includes(axis));
    const inBlocks =
      name === 'Sum' || name === 'Mean' ? overPositions(backend, x, axes) : undefined;
    if (inBlocks) {
      const scale = numElements(shape) / numElements(x.shape);
      const factor = backend.graph.scalar(name === 'Mean' ? scale : 1);
      const total =
        name === 'Mean' ? backend.graph.node('Mul', [inBlocks, factor], inBlocks.shape) : inBlocks;
      return backend.tensorInfo(backend.graph.reshape(total, shape));
    }
    const input = backend.value(x);
    // In tfjs, means of integers are floats.
    const number =
      name === 'Mean' && x.dtype !== 'float32' ? backend.graph.cast(input, 'float32') : input;
    const result = reduce(backend, op, number, axes);
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
