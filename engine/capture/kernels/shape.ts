import * as tf from '../../tfjs.js';
import type { CaptureBackend } from '../backend.js';
import { defineKernel, type CaptureKernel, type Tensors } from '../define-kernel.js';
import { int, type OnnxType, type OnnxValue } from '../../onnx/graph.js';
import { ConfigError } from '../../../core/errors.js';
import { numElements } from '../../../core/shape.js';

type X = Tensors<'x'>;

/** Largest number of elements of a map for which an operation without effect is kept. */
const SMALL_MAP = 2 ** 21;

/**
 * Axes of a slice or padding. Height and width of a small map are two of them even if only one or none changes: maps of
 * other sizes are cropped or padded at the same place, and so have graphs of the same structure.
 */
function axesOf(
  { graph }: CaptureBackend,
  shape: readonly number[],
  changes: readonly boolean[],
): readonly number[] {
  const axes = shape.map((_, axis) => axis).filter((axis) => changes[axis]);
  const isMap = shape.length === 4 && axes.every((axis) => axis === 1 || axis === 2);
  if (!isMap || graph.lowering.kind !== 'cpu') return axes;
  return axes.length > 0 || numElements(shape) <= SMALL_MAP ? [1, 2] : [];
}

/** Slices `x` to `begin … begin + size − 1` on every axis. */
export function slice(
  backend: CaptureBackend,
  x: OnnxValue,
  begin: readonly number[],
  size: readonly number[],
  axes: readonly number[] = x.shape
    .map((_, axis) => axis)
    .filter((axis) => begin[axis] !== 0 || size[axis] !== x.shape[axis]),
): OnnxValue {
  if (axes.length === 0) return x;
  const { graph } = backend;
  const starts = graph.shapeConstant(axes.map((axis) => begin[axis]));
  const ends = graph.shapeConstant(axes.map((axis) => begin[axis] + size[axis]));
  return graph.node('Slice', [x, starts, ends, graph.shapeConstant(axes)], size);
}

/** Takes every `stride`-th element of two axes of `x`, beginning at `begin`. */
export function strided(
  backend: CaptureBackend,
  x: OnnxValue,
  axes: readonly number[],
  begin: readonly number[],
  count: readonly number[],
  stride: readonly number[],
): OnnxValue {
  const { graph } = backend;
  const shape = [...x.shape];
  axes.forEach((axis, i) => (shape[axis] = count[i]));
  const ends = axes.map((_, i) => begin[i] + (count[i] - 1) * stride[i] + 1);
  return graph.node(
    'Slice',
    [
      x,
      graph.shapeConstant(begin),
      graph.shapeConstant(ends),
      graph.shapeConstant(axes),
      graph.shapeConstant(stride),
    ],
    shape,
  );
}

/** Reverses `x` along `axes`. */
export function reverse(backend: CaptureBackend, x: OnnxValue, axes: readonly number[]): OnnxValue {
  const { graph } = backend;
  const starts = graph.shapeConstant(axes.map((axis) => x.shape[axis] - 1));
  const ends = graph.shapeConstant(axes.map((axis) => -x.shape[axis] - 1));
  const steps = graph.shapeConstant(axes.map(() => -1));
  return graph.node('Slice', [x, starts, ends, graph.shapeConstant(axes), steps], x.shape);
}

/** Pads `x` with `[before, after]` elements of `value` on every axis. */
export function pad(
  backend: CaptureBackend,
  x: OnnxValue,
  paddings: readonly (readonly [number, number])[],
  value = 0,
): OnnxValue {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  return padAll(backend, x, paddings, value);
}

/** As {@link pad}, also without any elements. */
function padAll(
  backend: CaptureBackend,
  x: OnnxValue,
  paddings: readonly (readonly [number, number])[],
  value = 0,
): OnnxValue {
  const { graph } = backend;
  const shape = x.shape.map((size, axis) => size + paddings[axis][0] + paddings[axis][1]);
  const amounts = graph.shapeConstant([
    ...paddings.map(([before]) => before),
    ...paddings.map(([, after]) => after),
  ]);
  return graph.node('Pad', [x, amounts, graph.scalar(value, x.type)], shape);
}

/** Pads height and width of an NHWC value with zeros; `[top, bottom]` and `[left, right]` may be 0. */
export function padImage(
  backend: CaptureBackend,
  x: OnnxValue,
  height: readonly [number, number],
  width: readonly [number, number],
): OnnxValue {
  return pad(backend, x, [[0, 0], height, width, [0, 0]]);
}

/** Concatenates `values` along `axis`. */
export function concat(
  backend: CaptureBackend,
  values: readonly OnnxValue[],
  axis: number,
): OnnxValue {
  if (values.length === 1) return values[0];
  const shape = [...values[0].shape];
  shape[axis] = values.reduce((total, value) => total + value.shape[axis], 0);
  return backend.graph.node('Concat', values, shape, { axis: int(axis) });
}

const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Kernels that move elements: reshape, transpose, slice, concatenate, pad, repeat, gather. */
export const SHAPE: readonly CaptureKernel[] = [
  defineKernel<X, { readonly shape: number[] }>('Reshape', (backend, { x }, { shape }) => {
    const known = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
    const full = shape.map((size) => (size === -1 ? numElements(x.shape) / known : size));
    return backend.alias(x, full);
  }),
  defineKernel<X>('Identity', (backend, { x }) => backend.alias(x, x.shape)),
  defineKernel<Tensors<'input'>, { readonly dim: number }>(
    'ExpandDims',
    (backend, { input }, { dim }) => {
      const shape = [...input.shape];
      shape.splice(positive(dim, shape.length + 1), 0, 1);
      return backend.alias(input, shape);
    },
  ),
  defineKernel<X, { readonly perm: number[] }>('Transpose', (backend, { x }, { perm }) => {
    const fill = backend.uniform(x);
    const shape = perm.map((axis) => x.shape[axis]);
    if (fill !== undefined) return backend.uniformInfo(fill, shape, x.dtype as OnnxType);
    return backend.tensorInfo(backend.graph.transpose(backend.value(x), perm));
  }),
  defineKernel<X, { readonly begin: number | number[]; readonly size?: number | number[] }>(
    'Slice',
    (backend, { x }, attrs) => {
      const [begin, size] = tf.slice_util.parseSliceParams(x, attrs.begin, attrs.size);
      const changed = x.shape.map((full, axis) => begin[axis] !== 0 || size[axis] !== full);
      const axes = axesOf(backend, x.shape, changed);
      return backend.tensorInfo(slice(backend, backend.value(x), begin, size, axes));
    },
  ),
  defineKernel<X, { readonly numOrSizeSplits: number[] | number; readonly axis: number }>(
    'SplitV',
    (backend, { x }, { numOrSizeSplits, axis }) => {
      const at = positive(axis, x.shape.length);
      const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, numOrSizeSplits, at);
      let start = 0;
      return sizes.map((size) => {
        const begin = x.shape.map((_, i) => (i === at ? start : 0));
        const shape = x.shape.map((full, i) => (i === at ? size : full));
        start += size;
        return backend.tensorInfo(slice(backend, backend.value(x), begin, shape));
      });
    },
  ),
  defineKernel<Tensors<string>, { readonly axis: number }>(
    'Concat',
    (backend, inputs, { axis }) => {
      const values = Object.values(inputs).map((x) => backend.value(x));
      return backend.tensorInfo(concat(backend, values, positive(axis, values[0].shape.length)));
    },
  ),
  defineKernel<Tensors<string>, { readonly axis: number }>('Pack', (backend, inputs, { axis }) => {
    const values = Object.values(inputs).map((x) => {
      const shape = [...x.shape];
      shape.splice(positive(axis, shape.length + 1), 0, 1);
      return backend.graph.reshape(backend.value(x), shape);
    });
    return backend.tensorInfo(concat(backend, values, positive(axis, values[0].shape.length)));
  }),
  defineKernel<Tensors<'value'>, { readonly axis: number }>(
    'Unpack',
    (backend, { value: x }, { axis }) => {
      const at = positive(axis, x.shape.length);
      return Array.from({ length: x.shape[at] }, (_, index) => {
        const begin = x.shape.map((__, i) => (i === at ? index : 0));
        const size = x.shape.map((full, i) => (i === at ? 1 : full));
        const part = slice(backend, backend.value(x), begin, size);
        return backend.tensorInfo(
          backend.graph.reshape(
            part,
            x.shape.filter((__, i) => i !== at),
          ),
        );
      });
    },
  ),
  defineKernel<X, { readonly paddings: [number, number][]; readonly constantValue: number }>(
    'PadV2',
    (backend, { x }, { paddings, constantValue }) =>
      axesOf(
        backend,
        x.shape,
        paddings.map(([before, after]) => before + after > 0),
      ).length === 0
        ? backend.alias(x, x.shape)
        : backend.tensorInfo(padAll(backend, backend.value(x), paddings, constantValue)),
  ),
  defineKernel<X, { readonly reps: number[] }>('Tile', (backend, { x }, { reps }) => {
    const shape = x.shape.map((size, axis) => size * reps[axis]);
    if (x.shape.every((size, axis) => size === 1 || reps[axis] === 1))
      return backend.broadcastInfo(backend.value(x), shape);
    return backend.tensorInfo(
      backend.graph.node('Tile', [backend.value(x), backend.graph.shapeConstant(reps)], shape),
    );
  }),
  defineKernel<X, { readonly shape: number[] }>('BroadcastTo', (backend, { x }, { shape }) =>
    backend.broadcastInfo(backend.value(x), shape),
  ),
  defineKernel<X, { readonly dims?: number | number[] }>('Reverse', (backend, { x }, { dims }) => {
    const axes = tf.util.parseAxisParam(dims ?? [...x.shape.keys()], x.shape);
    return backend.tensorInfo(
      axes.length === 0 ? backend.value(x) : reverse(backend, backend.value(x), axes),
    );
  }),
  defineKernel<Tensors<'x' | 'indices'>, { readonly axis: number; readonly batchDims: number }>(
    'GatherV2',
    (backend, { x, indices }, { axis, batchDims }) => {
      if (batchDims !== 0)
        throw new ConfigError(`capture of GatherV2: expected batchDims 0, got ${batchDims}`);
      const at = positive(axis, x.shape.length);
      const shape = [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)];
      return backend.tensorInfo(
        backend.graph.node('Gather', [backend.value(x), backend.value(indices)], shape, {
          axis: int(at),
        }),
      );
    },
  ),
  defineKernel<
    Record<string, never>,
    { readonly shape: number[]; readonly value: number; readonly dtype: string }
  >('Fill', (backend, _inputs, { shape, value, dtype }) =>
    backend.uniformInfo(value, shape, (dtype ?? 'float32') as OnnxType),
  ),
  ...['ZerosLike', 'OnesLike'].map((name, fill) =>
    defineKernel<X>(name, (backend, { x }) =>
      backend.uniformInfo(fill, x.shape, x.dtype as OnnxType),
    ),
  ),
];
