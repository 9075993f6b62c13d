import { numElements } from '../../core/shape.js';
import { int, type OnnxValue } from '../onnx/graph.js';
import type { CaptureBackend } from './backend.js';

/**
 * Emits a reduction after merging adjacent axes, because ONNX Runtime has fast paths for few axes (a 2-D sum over rows is
 * several times faster than the same sum over three axes).
 *
 * @returns the value without the reduced axes
 */
export function reduce(
  backend: CaptureBackend,
  op: string,
  x: OnnxValue,
  axes: readonly number[],
): OnnxValue {
  const { graph } = backend;
  const kept = x.shape.filter((_, axis) => !axes.includes(axis));
  if (numElements(x.shape) === numElements(kept)) return graph.reshape(x, kept);
  const groups: { size: number; reduced: boolean }[] = [];
  x.shape.forEach((size, axis) => {
    if (size === 1) return;
    const reduced = axes.includes(axis);
    const last = groups.at(-1);
    if (last?.reduced === reduced) last.size *= size;
    else groups.push({ size, reduced });
  });
  const merged = graph.reshape(
    x,
    groups.map(({ size }) => size),
  );
  const step = (value: OnnxValue, over: readonly number[]): OnnxValue => {
    const shape = value.shape.filter((_, axis) => !over.includes(axis));
    return graph.node(op, [value, graph.shapeConstant(over)], shape, { keepdims: int(0) });
  };
  const [first, second] = groups;
  const parts = groups.length === 2 && first.reduced && splits(op, first.size);
  if (parts) {
    // ONNX Runtime runs a sum over rows in one long loop; split into chunks it is three times as fast.
    const split = graph.reshape(merged, [parts, first.size / parts, second.size]);
    return graph.reshape(step(step(split, [1]), [0]), kept);
  }
  const over = groups.flatMap(({ reduced }, i) => (reduced ? [i] : []));
  return graph.reshape(step(merged, over), kept);
}

/** Number of chunks that a sum over `rows` rows is split into; 0 for no split. */
function splits(op: string, rows: number): number {
  if (rows < 256 || (op !== 'ReduceSum' && op !== 'ReduceMean')) return 0;
  return [16, 12, 8, 7, 6, 5, 4].find((parts) => rows % parts === 0) ?? 0;
}
