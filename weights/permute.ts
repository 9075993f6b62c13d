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
  if (result.length === 0) return result;
  if (axes.length === 0) {
    result.set(values);
    return result;
  }
  const last = axes.length - 1;
  if (last > 0 && axes[last] === 0) return moveFirstAxisLast(values, shape, axes, result);
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

/** Number of values that are written side by side, half a cache line. */
const STRIP = 8;

/**
 * {@link permute} if the first axis becomes the last one, as in the layouts of all products and convolutions: rows of the
 * input become columns of the result, whose rows follow the order of the other axes.
 */
function moveFirstAxisLast(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
  result: Float32Array,
): Float32Array {
  const rows = shape[0];
  const columns = values.length / rows;
  const starts = rowStarts(shape, axes);
  const whole = rows - (rows % STRIP);
  for (let row = 0; row < whole; row += STRIP) {
    let from = row * columns;
    for (let column = 0; column < columns; column++, from++) {
      const to = starts[column] + row;
      result[to] = values[from];
      result[to + 1] = values[from + columns];
      result[to + 2] = values[from + 2 * columns];
      result[to + 3] = values[from + 3 * columns];
      result[to + 4] = values[from + 4 * columns];
      result[to + 5] = values[from + 5 * columns];
      result[to + 6] = values[from + 6 * columns];
      result[to + 7] = values[from + 7 * columns];
    }
  }
  for (let row = whole; row < rows; row++)
    for (let column = 0, from = row * columns; column < columns; column++, from++)
      result[starts[column] + row] = values[from];
  return result;
}

/** First element of the row of the result that a column of the input becomes, see {@link moveFirstAxisLast}. */
function rowStarts(shape: readonly number[], axes: readonly number[]): Uint32Array {
  const steps = new Array<number>(shape.length);
  for (let k = axes.length - 1, step = 1; k >= 0; k--) {
    steps[axes[k]] = step;
    step *= shape[axes[k]];
  }
  let starts = [0];
  for (let axis = 1; axis < shape.length; axis++) {
    const along = Array.from({ length: shape[axis] }, (_, i) => i * steps[axis]);
    starts = starts.flatMap((start) => along.map((offset) => start + offset));
  }
  return Uint32Array.from(starts);
}

/** Axes of the inverse of {@link permute}. */
export function inverseAxes(axes: readonly number[]): readonly number[] {
  return axes.map((_, axis) => axes.indexOf(axis));
}
