import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  maskFromNoise,
  numVisiblePatches,
  patchGrid,
  segmentIndices,
} from '../../backbone/masking.js';
import { Random } from '../../core/random.js';

const noise = (seed: number, length: number): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.normal());
};

describe('patchGrid', () => {
  test('counts the patches of both axes', () => {
    expect(patchGrid({ height: 224, width: 96 }, 32)).toEqual({ rows: 7, columns: 3 });
    expect(patchGrid({ height: 64, width: 128 }, 64)).toEqual({ rows: 1, columns: 2 });
  });

  test.each([
    [
      { height: 224, width: 224 },
      16,
      'patchGrid: expected a patch size that is a multiple of 32, got 16',
    ],
    [
      { height: 224, width: 224 },
      0,
      'patchGrid: expected a patch size that is a multiple of 32, got 0',
    ],
    [
      { height: 224, width: 240 },
      32,
      'patchGrid: expected image sides that are multiples of 32, got 224 × 240',
    ],
    [
      { height: 96, width: 96 },
      64,
      'patchGrid: expected image sides that are multiples of 64, got 96 × 96',
    ],
    [
      { height: 0, width: 32 },
      32,
      'patchGrid: expected image sides that are multiples of 32, got 0 × 32',
    ],
  ])('%o with patches of %d is an error', (image, patchSize, message) => {
    expect(() => patchGrid(image, patchSize)).toThrow(message);
  });
});

describe('numVisiblePatches', () => {
  test('the published ratio keeps 19 of 49 patches', () => {
    expect(numVisiblePatches({ rows: 7, columns: 7 }, 0.6)).toBe(19);
  });

  test.each([
    [{ rows: 2, columns: 2 }, 0.9, 'no visible one of 4'],
    [{ rows: 2, columns: 2 }, 0, 'no removed one of 4'],
    [{ rows: 1, columns: 1 }, 0.5, 'no visible one of 1'],
    [{ rows: 2, columns: 2 }, -0.5, 'no removed one of 4'],
    [{ rows: 2, columns: 2 }, NaN, 'maskRatio: expected'],
  ])('%o with ratio %d is an error', (grid, ratio, message) => {
    expect(() => numVisiblePatches(grid, ratio)).toThrow(message);
  });
});

describe('maskFromNoise', () => {
  test('keeps the patches with the lowest noise', () => {
    const values = Float32Array.of(0.5, -1, 2, 0, /* second image */ 9, 8, 7, 6);
    const { mask, visible, numVisible, numImages } = maskFromNoise(
      values,
      { rows: 2, columns: 2 },
      0.5,
    );
    expect({ numVisible, numImages }).toEqual({ numVisible: 2, numImages: 2 });
    expect([...mask]).toEqual([1, 0, 1, 0, 1, 1, 0, 0]);
    expect([...visible]).toEqual([1, 3, 2, 3]);
  });

  test('no images give empty masks', () => {
    const { mask, visible, numImages } = maskFromNoise(
      new Float32Array(0),
      { rows: 2, columns: 2 },
      0.5,
    );
    expect([mask.length, visible.length, numImages]).toEqual([0, 0, 0]);
  });

  test('noise for a fraction of an image is an error', () => {
    expect(() => maskFromNoise(new Float32Array(5), { rows: 2, columns: 2 }, 0.5)).toThrow(
      'maskFromNoise: expected a multiple of 4 values, got 5',
    );
  });

  test('depends only on the order of the noise, and removes the same number from every image', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 3 }), (seed, numImages) => {
        const grid = { rows: 3, columns: 4 };
        const values = noise(seed, numImages * 12);
        const { mask, numVisible } = maskFromNoise(values, grid, 0.6);
        const squeezed = maskFromNoise(
          values.map((v) => Math.atan(v) * 3 + 7),
          grid,
          0.6,
        );
        expect(squeezed.mask).toEqual(mask);
        for (let n = 0; n < numImages; n++) {
          const removed = mask.subarray(n * 12, (n + 1) * 12).reduce((a, b) => a + b, 0);
          expect(removed).toBe(12 - numVisible);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('segmentIndices', () => {
  test('segments by hand: two rows of one patch', () => {
    const mask = maskFromNoise(Float32Array.of(3, 1, 2, 0), { rows: 2, columns: 2 }, 0.5);
    // A row of the map is two segments; visible are patch 1 (above right) and patch 3 (below right).
    expect(segmentIndices(mask, 2)).toEqual({
      gather: Int32Array.of(1, 3, 5, 7),
      scatter: Int32Array.of(4, 0, 4, 1, 4, 2, 4, 3),
    });
  });

  test('scatter is the inverse of gather; removed segments are one past the last', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), (seed, cell) => {
        const mask = maskFromNoise(noise(seed, 24), { rows: 3, columns: 4 }, 0.6);
        const { gather, scatter } = segmentIndices(mask, cell);
        gather.forEach((segment, i) => expect(scatter[segment]).toBe(i));
        expect(scatter.filter((i) => i === gather.length).length).toBe(
          scatter.length - gather.length,
        );
      }),
      { numRuns: 30 },
    );
  });
});
