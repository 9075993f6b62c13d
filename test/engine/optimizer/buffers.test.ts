import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { startEma, updateEma } from '../../../engine/optimizer/ema.js';
import { createFlatBuffers } from '../../../engine/optimizer/flat-buffers.js';
import {
  accumulateGradients,
  clipScale,
  gradientNorm,
} from '../../../engine/optimizer/gradients.js';

describe('createFlatBuffers', () => {
  test('gives zeroed arrays of one memory that do not overlap', () => {
    const buffers = createFlatBuffers(5, { moments: 2, ema: true, microGradients: true });
    const arrays = [
      buffers.parameters,
      buffers.gradients,
      ...buffers.moments,
      buffers.ema as Float32Array,
      buffers.microGradients as Float32Array,
    ];
    arrays.forEach((array, index) => {
      expect([...array]).toEqual([0, 0, 0, 0, 0]);
      expect(array.buffer).toBe(buffers.kernels.memory.buffer);
      array.fill(index + 1);
    });
    arrays.forEach((array, index) => expect(array[4] + array[0]).toBe(2 * (index + 1)));
  });

  test('beyond the limit the arrays do not share a memory', () => {
    const buffers = createFlatBuffers(5, { moments: 1, maxMemoryBytes: 100 });
    expect(buffers.parameters.buffer).not.toBe(buffers.kernels.memory.buffer);
    expect(buffers.parameters.buffer.byteLength).toBe(20);
    expect(buffers.ema).toBeUndefined();
  });

  test('a size that is not a whole number is rejected', () => {
    expect(() => createFlatBuffers(1.5, { moments: 0 })).toThrow('got 1.5');
    expect(() => createFlatBuffers(-1, { moments: 0 })).toThrow('got -1');
  });
});

describe('gradientNorm', () => {
  test('is the root of the sum of squares, zero for an empty array', () => {
    const buffers = createFlatBuffers(5, { moments: 0 });
    buffers.gradients.set([1, -2, 2, 4, 0]);
    expect(gradientNorm(buffers)).toBe(5);
    expect(gradientNorm(createFlatBuffers(0, { moments: 0 }))).toBe(0);
  });

  test('is bit-identical in place and staged, and agrees with a float64 sum', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40_000 }), fc.integer(), (size, seed) => {
        const inPlace = createFlatBuffers(size, { moments: 0 });
        const staged = createFlatBuffers(size, { moments: 0, maxMemoryBytes: 0 });
        const random = new Random(seed);
        let sum = 0;
        for (let i = 0; i < size; i++) {
          inPlace.gradients[i] = staged.gradients[i] = random.normal();
          sum += inPlace.gradients[i] ** 2;
        }
        expect(gradientNorm(inPlace)).toBe(gradientNorm(staged));
        expect(Math.abs(gradientNorm(inPlace) / Math.sqrt(sum) - 1)).toBeLessThan(1e-12);
      }),
      { numRuns: 25 },
    );
  });

  test('is not finite when any gradient is not', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      const buffers = createFlatBuffers(9, { moments: 0 });
      buffers.gradients[8] = bad;
      expect(Number.isFinite(gradientNorm(buffers))).toBe(false);
    }
  });

  test('large gradients do not overflow', () => {
    const buffers = createFlatBuffers(2, { moments: 0 });
    buffers.gradients.set([3e30, 4e30]);
    expect(gradientNorm(buffers) / 5e30).toBeCloseTo(1, 6);
  });
});

test('clipScale keeps small norms and reduces large ones', () => {
  expect(clipScale({ norm: 0.5, maxNorm: 1 })).toBe(1);
  expect(clipScale({ norm: 0, maxNorm: 1 })).toBe(1);
  expect(clipScale({ norm: 4, maxNorm: 1 })).toBeCloseTo(0.25, 6);
  expect(clipScale({ norm: 1, maxNorm: 1 })).toBeLessThan(1); // the 1e-6 in the denominator
});

describe('accumulateGradients', () => {
  test('averages micro-batches and overwrites previous values, even NaN', () => {
    const buffers = createFlatBuffers(3, { moments: 0, microGradients: true });
    buffers.gradients.fill(NaN);
    const micro = buffers.microGradients as Float32Array;
    [
      [1, 2, 3],
      [3, 2, 7],
    ].forEach((values, index) => {
      micro.set(values);
      accumulateGradients(buffers, { index, count: 2 });
    });
    expect([...buffers.gradients]).toEqual([2, 2, 5]);
  });

  test('needs its second array', () => {
    expect(() =>
      accumulateGradients(createFlatBuffers(1, { moments: 0 }), { index: 0, count: 1 }),
    ).toThrow('accumulateGradients: expected buffers with microGradients, got none');
  });
});

describe('the EMA', () => {
  test('starts as a copy and changes by the factor 1 − decay', () => {
    const buffers = createFlatBuffers(5, { moments: 0, ema: true });
    buffers.parameters.fill(2);
    startEma(buffers);
    buffers.parameters.fill(4);
    updateEma(buffers, 0.75);
    expect([...(buffers.ema as Float32Array)]).toEqual([2.5, 2.5, 2.5, 2.5, 2.5]);
  });

  test('equal parameters are a bit-exact fixed point, also at decay 0.9999', () => {
    const buffers = createFlatBuffers(1000, { moments: 0, ema: true });
    const random = new Random(2);
    for (let i = 0; i < 1000; i++) buffers.parameters[i] = random.normal();
    startEma(buffers);
    for (let step = 0; step < 10; step++) updateEma(buffers, 0.9999);
    expect(buffers.ema).toEqual(buffers.parameters);
  });

  test('needs its array', () => {
    const buffers = createFlatBuffers(1, { moments: 0 });
    expect(() => startEma(buffers)).toThrow('startEma: expected buffers with ema, got none');
    expect(() => updateEma(buffers, 0.9)).toThrow('updateEma: expected buffers with ema');
  });
});
