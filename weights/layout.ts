import { sameShape } from '../core/shape.js';
import { inverseAxes, permute } from './permute.js';

/**
 * Axes of a parameter in this library and in PyTorch (the same names as in the engine's parameter specs):
 * - `vector`: the same in both, up to axes of size 1 (GRN's `[4C]` is `[1, 1, 1, 4C]` in PyTorch)
 * - `linear`: `[in, out]`, PyTorch `[out, in]`
 * - `conv`: `[kh, kw, in, out]`, PyTorch `[out, in, kh, kw]`
 * - `depthwise`: `[kh, kw, C, 1]`, PyTorch `[C, 1, kh, kw]`
 * - `convTranspose`: `[kh, kw, out, in]`, PyTorch `[in, out, kh, kw]`
 */
export type Layout = (typeof LAYOUTS)[number];

/** Names of the layouts. */
export const LAYOUTS = ['vector', 'linear', 'conv', 'depthwise', 'convTranspose'] as const;

/** Axis `k` in this library is axis `AXES[k]` in PyTorch. */
const AXES: Readonly<Record<Exclude<Layout, 'vector'>, readonly number[]>> = {
  linear: [1, 0],
  conv: [2, 3, 1, 0],
  depthwise: [2, 3, 0, 1],
  convTranspose: [2, 3, 1, 0],
};

/** Whether a layout describes arrays of so many axes. */
export const hasAxesOf = (layout: Layout, axes: number): boolean =>
  layout === 'vector' || AXES[layout].length === axes;

/** Converts `shape` of this library to PyTorch's. */
export function torchShape(shape: readonly number[], layout: Layout): readonly number[] {
  return layout === 'vector' ? shape : inverseAxes(AXES[layout]).map((axis) => shape[axis]);
}

/** Whether a PyTorch tensor of shape `stored` fits a parameter of `shape` in this library. */
export function fitsLayout(
  stored: readonly number[],
  shape: readonly number[],
  layout: Layout,
): boolean {
  if (layout === 'vector') return sameShape(stored.filter(notOne), shape.filter(notOne));
  return sameShape(stored, torchShape(shape, layout));
}

/**
 * Converts PyTorch's values to this library's axis order.
 *
 * @param stored PyTorch's shape
 * @param destination of the same length
 */
export function writeLibraryLayout(
  values: Float32Array,
  stored: readonly number[],
  layout: Layout,
  destination: Float32Array,
): void {
  if (layout === 'vector') destination.set(values);
  else permute(values, stored, AXES[layout], destination);
}

/**
 * Inverse of {@link writeLibraryLayout}: converts values to PyTorch's axis order.
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
