import { sameShape } from '../core/shape.js';
import { inverseAxes, permute } from './permute.js';

/**
 * Axes of a parameter here and in PyTorch (the same words as the engine's parameter specs):
 * - `vector`: any shape that both sides hold alike, up to axes of size 1 (GRN's `[4C]` is `[1, 1, 1, 4C]` there)
 * - `linear`: `[in, out]`, there `[out, in]`
 * - `conv`: `[kh, kw, in, out]`, there `[out, in, kh, kw]`
 * - `depthwise`: `[kh, kw, C, 1]`, there `[C, 1, kh, kw]`
 * - `convTranspose`: `[kh, kw, out, in]`, there `[in, out, kh, kw]`
 */
export type Layout = 'vector' | 'linear' | 'conv' | 'depthwise' | 'convTranspose';

/** Axis `k` here is axis `AXES[k]` in PyTorch. */
const AXES: Readonly<Record<Exclude<Layout, 'vector'>, readonly number[]>> = {
  linear: [1, 0],
  conv: [2, 3, 1, 0],
  depthwise: [2, 3, 0, 1],
  convTranspose: [2, 3, 1, 0],
};

/** PyTorch's shape of a parameter that has `shape` here. */
export function torchShape(shape: readonly number[], layout: Layout): readonly number[] {
  return layout === 'vector' ? shape : inverseAxes(AXES[layout]).map((axis) => shape[axis]);
}

/** Whether a PyTorch tensor of shape `stored` fits a parameter that has `shape` here. */
export function fitsLayout(
  stored: readonly number[],
  shape: readonly number[],
  layout: Layout,
): boolean {
  if (layout === 'vector') return sameShape(stored.filter(notOne), shape.filter(notOne));
  return sameShape(stored, torchShape(shape, layout));
}

/**
 * PyTorch's values in this library's axis order.
 *
 * @param stored PyTorch's shape
 */
export function toLibraryLayout(
  values: Float32Array,
  stored: readonly number[],
  layout: Layout,
): Float32Array {
  return layout === 'vector' ? values : permute(values, stored, AXES[layout]);
}

/**
 * This library's values in PyTorch's axis order: the inverse of {@link toLibraryLayout}.
 *
 * @param shape this library's shape
 */
export function toTorchLayout(
  values: Float32Array,
  shape: readonly number[],
  layout: Layout,
): Float32Array {
  return layout === 'vector' ? values : permute(values, shape, inverseAxes(AXES[layout]));
}

function notOne(size: number): boolean {
  return size !== 1;
}
