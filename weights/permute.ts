import { numElements } from '../core/shape.js';

/**
 * Reorders the axes of a contiguous array: axis `k` of the result is axis `axes[k]` of the input.
 *
 * @param shape of the input
 * @param result destination; default: a new array
 * @returns contiguous, of shape `axes.map((axis) => shape[axis])`
 */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
  result: Float32Array = new Float32Array(numElements(shape)),
): Float32Array {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  const sizes = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  if (shape.length === 2 && axes[0] === 1) return transpose(values, shape[0], shape[1], result);
  if (result.length === 0) return result;
  if (axes.length === 0) {
    result.set(values);
    return result;
  }
  const last = axes.length - 1;
  const [innerSize, innerStep] = [sizes[last], steps[last]];
  const index = new Array<number>(last).fill(0);
  let from = 0;
  for (let to = 0; to < result.length;) {
    for (let i = 0, at = from; i < innerSize; i++, at += innerStep) result[to++] = values[at];
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      index[axis] = 0;
    }
  }
  return result;
}

/** Side of the tiles of {@link transpose}: source and destination of a tile fit in the first-level cache. */
const TILE = 32;

/** Transposes `[rows, columns]` to `[columns, rows]`, tile by tile. */
function transpose(
  values: Float32Array,
  rows: number,
  columns: number,
  result: Float32Array,
): Float32Array {
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(top + TILE, rows);
    for (let left = 0; left < columns; left += TILE) {
      const right = Math.min(left + TILE, columns);
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          result[column * rows + row] = values[row * columns + column];
        }
      }
    }
  }
  return result;
}

/** Axes of the inverse of {@link permute}. */
export function inverseAxes(axes: readonly number[]): readonly number[] {
  return axes.map((_, axis) => axes.indexOf(axis));
}
