import type { ParameterStore } from '../../engine/parameters/store.js';
import { toTorchLayout, writeLibraryLayout, type Layout } from '../../weights/layout.js';
import type { FixtureTensor } from './fixtures.js';

/** `[N, C, H, W]` → `[N, H, W, C]`, or back with the inverse permutation. */
export function permuted(
  data: ArrayLike<number>,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array {
  const out = new Float32Array(data.length);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const outShape = axes.map((axis) => shape[axis]);
  const index = outShape.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (let axis = 0; axis < axes.length; axis++) from += index[axis] * strides[axes[axis]];
    out[i] = data[from];
    for (let axis = axes.length - 1; axis >= 0 && ++index[axis] === outShape[axis]; axis--)
      index[axis] = 0;
  }
  return out;
}

/** A fixture's `[N, C, H, W]` as `[N, H, W, C]` values. */
export const toNhwc = ({ data, shape }: FixtureTensor): Float32Array =>
  permuted(data, shape, [0, 2, 3, 1]);

/** `[N, H, W, C]` values as the fixtures hold them. */
export const toNchw = (data: ArrayLike<number>, shape: readonly number[]): Float32Array =>
  permuted(data, shape, [0, 3, 1, 2]);

/** PyTorch's values of shape `stored` in this library's axis order. */
export function toLibraryLayout(
  values: Float32Array,
  stored: readonly number[],
  layout: Layout,
): Float32Array {
  const converted = new Float32Array(values.length);
  writeLibraryLayout(values, stored, layout, converted);
  return converted;
}

/** Fills a store from tensors in PyTorch's layout, all names required. */
export function fillStore(
  store: ParameterStore,
  tensors: ReadonlyMap<string, FixtureTensor>,
): void {
  for (const entry of store.entries) {
    const tensor = tensors.get(entry.path);
    if (!tensor) throw new Error(`fixture: expected ${entry.path}`);
    store
      .get(entry.path)
      .set(toLibraryLayout(Float32Array.from(tensor.data), tensor.shape, entry.spec.layout));
  }
}

/** One parameter's gradient (or value) in PyTorch's layout. */
export function torchValues(
  store: ParameterStore,
  buffer: Float32Array,
  path: string,
): Float32Array {
  const entry = store.entry(path);
  return toTorchLayout(
    Float32Array.from(store.view(entry, buffer)),
    entry.spec.shape,
    entry.spec.layout,
  );
}
