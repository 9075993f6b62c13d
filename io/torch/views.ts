import { numElements } from '../../core/shape.js';
import type { TensorValues } from '../tensor.js';

/** Range of storage elements from the first to past the last one of a view; `[offset, offset)` if empty. */
export function viewExtent(
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
): readonly [start: number, end: number] {
  if (numElements(shape) === 0) return [offset, offset];
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
  return [offset, last + 1];
}

/** Whether the view is contiguous. Strides of axes of size 1 don't matter. */
export function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/**
 * Copies a strided view to contiguous values: `out[i, j, …] = values[i·strides[0] + j·strides[1] + …]`.
 *
 * @param values values from the view's first element on
 */
export function gather<Values extends TensorValues>(
  values: Values,
  shape: readonly number[],
  strides: readonly number[],
): Values {
  const result = new (values.constructor as new (length: number) => Values)(numElements(shape));
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to++) {
    result[to] = values[from];
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}
