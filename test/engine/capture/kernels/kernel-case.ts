import * as tf from '@tensorflow/tfjs';
import { Random } from '../../../../core/random.js';
import { numElements } from '../../../../core/shape.js';
import type { HostTensor } from '../../../../engine/runtime/program.js';

/** A use of a kernel: what goes in, and an op that dispatches it. */
export interface KernelCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, HostTensor>>;
  op(inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor | tf.Tensor[];
  /** The same by other kernels, if tfjs's `cpu` backend has none for it. */
  reference?(inputs: Readonly<Record<string, tf.Tensor>>): tf.Tensor | tf.Tensor[];
  /** Inputs that are differentiated; all float inputs if not given. */
  readonly differentiable?: readonly string[];
}

/** Cases by kernel name. */
export type KernelTable = Readonly<Record<string, readonly KernelCase[]>>;

/** One shape of every rank up to 5, with axes of size 1 in different places. */
export const SHAPES: readonly (readonly number[])[] = [
  [],
  [3],
  [2, 3],
  [2, 1, 3],
  [1, 2, 3, 2],
  [2, 1, 2, 3, 1],
];

/** float32 of `shape`, drawn from `[low, high)`. */
export function float(
  shape: readonly number[],
  [low, high]: readonly [number, number] = [-2, 2],
  seed = 1,
): HostTensor {
  const random = new Random(seed, shape.length);
  const size = numElements(shape);
  return { shape, data: Float32Array.from({ length: size }, () => random.between(low, high)) };
}

/** int32 of `shape`, drawn from `low … high`. */
export function int(
  shape: readonly number[],
  [low, high]: readonly [number, number] = [-5, 5],
  seed = 1,
): HostTensor {
  const random = new Random(seed, shape.length);
  const draw = (): number => low + random.integer(high - low + 1);
  return { shape, data: Int32Array.from({ length: numElements(shape) }, draw) };
}

/** bool of `shape`. */
export function bool(shape: readonly number[], seed = 1): HostTensor {
  const random = new Random(seed, shape.length);
  const draw = (): number => random.integer(2);
  return { shape, data: Uint8Array.from({ length: numElements(shape) }, draw) };
}

/** Values as given. */
export const exactly = (shape: readonly number[], data: readonly number[]): HostTensor => ({
  shape,
  data: Float32Array.from(data),
});

/** A case with one input `x`. */
export function of(
  name: string,
  x: HostTensor,
  op: (x: tf.Tensor) => tf.Tensor | tf.Tensor[],
  more: Partial<KernelCase> = {},
): KernelCase {
  return { name, inputs: { x }, op: (i) => op(i.x), ...more };
}

/** A case with inputs `a` and `b`. */
export function ofTwo(
  name: string,
  a: HostTensor,
  b: HostTensor,
  op: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor | tf.Tensor[],
  more: Partial<KernelCase> = {},
): KernelCase {
  return { name, inputs: { a, b }, op: (i) => op(i.a, i.b), ...more };
}

/** Marks a case whose gradient needs kernels that ONNX has not. */
export const FORWARD_ONLY: Partial<KernelCase> = { differentiable: [] };

/** `[a, b]` as text. */
export const text = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Calls a kernel by name. */
export function kernel<T extends tf.Tensor | tf.Tensor[] = tf.Tensor>(
  name: string,
  inputs: Readonly<Record<string, tf.Tensor>>,
  attrs: Readonly<Record<string, unknown>> = {},
): T {
  return tf.engine().runKernel<T>(name, inputs, attrs as unknown as tf.NamedAttrMap);
}
