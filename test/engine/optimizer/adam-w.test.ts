import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { adamW, type AdamWOptions } from '../../../engine/optimizer/adam-w.js';
import { createFlatBuffers, type FlatBuffers } from '../../../engine/optimizer/flat-buffers.js';
import { mergeRuns, type ParameterRun } from '../../../engine/optimizer/runs.js';
import { adamWInFloat32, adamWInFloat64 } from './oracle.js';

const OPTIONS: AdamWOptions = { lr: 1e-2, betas: [0.9, 0.999], eps: 1e-8, step: 1 };
const run = (offset: number, size: number, more: Partial<ParameterRun> = {}): ParameterRun => ({
  offset,
  size,
  lrScale: 1,
  weightDecay: 0.05,
  ...more,
});

/** Buffers in one memory, and the same numbers in plain arrays that are staged. */
function both(size: number, seed: number): readonly [inPlace: FlatBuffers, staged: FlatBuffers] {
  const pair = [
    createFlatBuffers(size, { moments: 2 }),
    createFlatBuffers(size, { moments: 2, maxMemoryBytes: 0 }),
  ] as const;
  const random = new Random(seed);
  for (let i = 0; i < size; i++) {
    const [p, g, m, v] = [random.normal(), random.normal(), random.normal(), random.uniform()];
    for (const { parameters, gradients, moments } of pair) {
      parameters[i] = p;
      gradients[i] = g * 1e-3;
      moments[0][i] = m * 1e-3;
      moments[1][i] = v * 1e-6;
    }
  }
  return pair;
}

const bits = (array: Float32Array): Uint32Array => new Uint32Array(array.slice().buffer);
const allBits = ({ parameters, moments }: FlatBuffers): Uint32Array[] =>
  [parameters, ...moments].map(bits);

describe('adamW', () => {
  test('a first step moves by lr against the sign of the gradient, after the decay', () => {
    const buffers = createFlatBuffers(3, { moments: 2 });
    buffers.parameters.set([1, -2, 4]);
    buffers.gradients.set([0.5, -0.25, 0]);
    adamW(buffers, [run(0, 3, { weightDecay: 0.1 })], OPTIONS);
    // m̂ = g and √v̂ = |g| at t = 1; decay takes 0.1 % of the parameter.
    expect(buffers.parameters[0]).toBeCloseTo(1 - 0.001 - 0.01, 6);
    expect(buffers.parameters[1]).toBeCloseTo(-2 + 0.002 + 0.01, 6);
    expect(buffers.parameters[2]).toBeCloseTo(4 - 0.004, 6);
    expect(buffers.moments[0][0]).toBeCloseTo(0.05, 7);
    expect(buffers.moments[1][0]).toBeCloseTo(0.00025, 9);
  });

  test('eps is added after the root of the corrected second moment', () => {
    const buffers = createFlatBuffers(1, { moments: 2 });
    buffers.gradients.set([1]);
    adamW(buffers, [run(0, 1)], { ...OPTIONS, eps: 1 });
    expect(buffers.parameters[0]).toBeCloseTo(-0.01 * (1 / (1 + 1)), 8);
  });

  test('many steps follow the float64 formula', () => {
    const buffers = createFlatBuffers(1, { moments: 2 });
    const settings = run(0, 1, { lrScale: 0.5, weightDecay: 0.3 });
    const random = new Random(5);
    let exact = { p: 0.75, m: 0, v: 0 };
    buffers.parameters[0] = exact.p;
    for (let step = 1; step <= 200; step++) {
      const g = Math.fround(random.normal());
      buffers.gradients[0] = g;
      adamW(buffers, [settings], { ...OPTIONS, lr: 1e-3, step });
      exact = adamWInFloat64(exact, g, settings, { ...OPTIONS, lr: 1e-3, step });
    }
    expect(Math.abs(buffers.parameters[0] - exact.p)).toBeLessThan(2e-6);
    expect(buffers.moments[1][0]).toBeCloseTo(exact.v, 6);
  });

  test('every size is bit-identical to a float32 loop, in place and staged', () => {
    // 16384 is the staging size; odd sizes leave elements at the end.
    for (const size of [1, 2, 3, 4, 5, 7, 31, 16384, 16385, 16387, 40001]) {
      const [inPlace, staged] = both(size, size);
      const plain = {
        parameters: inPlace.parameters.slice(),
        gradients: inPlace.gradients.slice(),
        moments: inPlace.moments.map((moment) => moment.slice()),
      };
      const options = { ...OPTIONS, step: 7, gradientScale: 0.37 };
      adamW(inPlace, [run(0, size)], options);
      adamW(staged, [run(0, size)], options);
      adamWInFloat32(plain, [run(0, size)], options);
      expect(bits(inPlace.parameters)).toEqual(bits(plain.parameters));
      expect(inPlace.moments.map(bits)).toEqual(plain.moments.map(bits));
      expect(allBits(staged)).toEqual(allBits(inPlace));
    }
  });

  test('splitting a run changes nothing, and elements outside do not change', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }), (sizes) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const [whole, pieces] = both(total + 2, 3);
        const before = whole.parameters.slice();
        let offset = 1;
        const runs = sizes.map((size) => run((offset += size) - size, size));
        adamW(whole, [run(1, total)], OPTIONS);
        adamW(pieces, runs, OPTIONS);
        expect(allBits(pieces)).toEqual(allBits(whole));
        expect(whole.parameters[0]).toBe(before[0]);
        expect(whole.parameters[total + 1]).toBe(before[total + 1]);
      }),
      { numRuns: 30 },
    );
  });

  test('lrScale and weightDecay affect only their run', () => {
    const buffers = createFlatBuffers(4, { moments: 2 });
    buffers.parameters.fill(1);
    buffers.gradients.fill(1);
    adamW(buffers, [run(0, 2, { weightDecay: 0 }), run(2, 2, { lrScale: 0.5 })], OPTIONS);
    const second = 1 - 0.005 * 0.05 - 0.005;
    [0.99, 0.99, second, second].forEach((expected, i) =>
      expect(buffers.parameters[i]).toBeCloseTo(expected, 6),
    );
  });

  test('addresses beyond 2 GiB work (untouched pages cost nothing)', () => {
    const size = 150_000_000; // four arrays: 2.4 GB
    const buffers = createFlatBuffers(size, { moments: 2 });
    buffers.gradients[size - 2] = 3;
    adamW(buffers, [run(size - 6, 5)], OPTIONS);
    expect(buffers.parameters[size - 2]).toBeCloseTo(-0.01, 7);
    expect(buffers.moments[1][size - 2]).toBeCloseTo(0.009, 7);
    expect(buffers.parameters[size - 1]).toBe(0);
  });

  test('no runs and empty buffers do nothing', () => {
    adamW(createFlatBuffers(0, { moments: 2 }), [], OPTIONS);
    const buffers = createFlatBuffers(1, { moments: 2 });
    buffers.gradients[0] = 1;
    adamW(buffers, [run(0, 0)], OPTIONS);
    expect([...buffers.parameters]).toEqual([0]);
  });

  test('wrong buffers, steps and runs are rejected before anything changes', () => {
    const buffers = createFlatBuffers(4, { moments: 2 });
    buffers.gradients.fill(1);
    const one = createFlatBuffers(4, { moments: 1 });
    expect(() => adamW(one, [], OPTIONS)).toThrow('adamW: expected buffers with 2 moments, got 1');
    expect(() => adamW(buffers, [], { ...OPTIONS, step: 0 })).toThrow('step number from 1, got 0');
    expect(() => adamW(buffers, [run(0, 2), run(2, 3)], OPTIONS)).toThrow(
      'adamW: expected runs within 0 … 4, got 2 … 5',
    );
    expect([...buffers.parameters]).toEqual([0, 0, 0, 0]);
  });
});

describe('mergeRuns', () => {
  test('merges only adjacent runs with equal settings', () => {
    const merged = mergeRuns([
      run(10, 5),
      run(0, 4),
      run(4, 6),
      run(15, 1, { weightDecay: 0 }),
      run(16, 2, { weightDecay: 0, lrScale: 0.5 }),
      run(20, 1, { weightDecay: 0, lrScale: 0.5 }),
      run(18, 0),
    ]);
    expect(merged.map(({ offset, size }) => [offset, size])).toEqual([
      [0, 15],
      [15, 1],
      [16, 2],
      [20, 1],
    ]);
    expect(mergeRuns([])).toEqual([]);
  });

  test('rejects runs that overlap', () => {
    expect(() => mergeRuns([run(0, 4), run(3, 4)])).toThrow(
      'mergeRuns: expected runs that do not overlap, got one at 3 before 4',
    );
  });
});
