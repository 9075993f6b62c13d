import { numElements } from '../core/shape.js';

/**
 * Reorders the axes of a contiguous array: axis `k` of the result is axis `axes[k]` of the input.
 *
 * @param shape of the input
 * @returns contiguous, of shape `axes.map((axis) => shape[axis])`
 */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const strides = new Array<number>(shape.length);
  for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  const sizes = axes.map((axis) => shape[axis]);
  const steps = axes.map((axis) => strides[axis]);
  const result = new Float32Array(numElements(shape));
  if (result.length === 0 || axes.length === 0) return result.length ? values.slice() : result;
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

/** The axes that undo {@link permute}. */
export function inverseAxes(axes: readonly number[]): readonly number[] {
  return axes.map((_, axis) => axes.indexOf(axis));
}
