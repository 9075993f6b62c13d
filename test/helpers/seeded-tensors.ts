import { numElements } from '../../core/shape.js';
import { writeSafetensors } from '../../io/safetensors/write.js';

/** Names and shapes of a state dict. */
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Uniform values in [-1, 1) that depend on a name alone; test/oracles/seeded.py has the same formula. */
export function seededNoise(name: string, count: number): Float32Array {
  let state = 2166136261;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 16777619) >>> 0;
  return new Float32Array(count).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}

/** Weights by name and shape, as `tensor` of test/oracles/seeded.py. */
export function seededTensor(name: string, shape: readonly number[]): Float32Array {
  const count = numElements(shape);
  const u = seededNoise(name, count);
  if (name.endsWith('running_var')) return u.map((value) => 1 + 0.5 * Math.abs(value));
  if (name.includes('grn') || name.endsWith('running_mean')) return u.map((value) => 0.3 * value);
  if (/gamma|layer_scale/.test(name)) return u.map((value) => 0.5 + 0.2 * value);
  if (shape.length <= 1) {
    const center = name.endsWith('weight') ? 1 : 0;
    return u.map((value) => center + 0.1 * value);
  }
  const scale = Math.fround(Math.sqrt((3 * shape[0]) / count));
  return u.map((value) => value * scale);
}

/** Writes a state dict of {@link seededTensor}s. */
export async function writeSeeded(file: string, shapes: Shapes): Promise<void> {
  await writeSafetensors(
    file,
    Object.entries(shapes).map(([name, shape]) => ({
      name,
      dtype: 'F32' as const,
      shape,
      data: seededTensor(name, shape),
    })),
  );
}
