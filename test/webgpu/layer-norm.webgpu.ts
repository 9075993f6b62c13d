import { describe, expect, inject, test } from 'vitest';
import { Random } from '../../core/random.js';
import { standardize } from '../../engine/ops/layer-norm.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../engine/runtime/compiled.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import type { Program } from '../../engine/runtime/program.js';
import { maxError } from '../helpers/fixtures.js';

const [ROWS, CHANNELS] = [200, 8];
const EPS = 1e-6;

const adapter = inject('adapter');
if (adapter.kind === 'none') console.warn(`WebGPU tests are skipped: ${adapter.reason}`);

const program: Program = {
  name: 'standardize',
  forward: (_params, { x }) => ({ y: standardize(x, EPS) }),
};

/** In float64. */
function standardized(x: Float32Array): Float32Array {
  return x.map((value, i) => {
    const row = [...x.subarray(i - (i % CHANNELS), i - (i % CHANNELS) + CHANNELS)];
    const mean = row.reduce((sum, v) => sum + v, 0) / CHANNELS;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / CHANNELS;
    return (value - mean) / Math.sqrt(variance + EPS);
  });
}

describe.runIf(adapter.kind === 'found')('layer normalization on WebGPU', () => {
  test.each([0, 1, -10, 100])('keeps its digits where the mean is %d', async (mean) => {
    const numbers = new Random(1);
    const spread = 0.1;
    const data = Float32Array.from(
      { length: ROWS * CHANNELS },
      () => mean + spread * numbers.normal(),
    );
    const target = { runtime: await loadOnnxRuntime(), lowering: { kind: 'portable' } } as const;
    const store = new ParameterStore({});
    const options = { ...DEFAULT_COMPILE_OPTIONS, provider: 'webgpu' } as const;
    const compiled = new CompiledProgram(target, program, store, undefined, options);
    const { y } = await compiled.run({ x: { shape: [ROWS, CHANNELS], data } });
    // The mean is a float32 itself: half a unit in its last place, in standard deviations (the smallest is about a
    // fifth of the spread), and ten units of the result.
    const ulp = 2 ** -24 * Math.max(1, Math.abs(mean));
    expect(maxError(y.data, standardized(data))).toBeLessThan((10 * ulp) / (0.2 * spread) + 1e-5);
    await compiled.release();
  });
});
