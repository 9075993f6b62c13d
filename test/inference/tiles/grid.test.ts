import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import { assertTile, tileGrid, tilesOf } from '../../../inference/tiles/grid.js';

test('tiles of 1024 with an overlap of 0.2 lie evenly in 4000 x 3000', () => {
  const grid = tileGrid({ width: 4000, height: 3000 }, { size: 1024 });
  expect(grid.lefts).toEqual([0, 744, 1488, 2232, 2976]);
  expect(grid.tops).toEqual([0, 659, 1317, 1976]);
  expect(tilesOf(grid)).toHaveLength(20);
  expect(tilesOf(grid)[6]).toEqual({ x: 744, y: 659, width: 1024, height: 1024 });
});

test('a picture smaller than a tile has one, of its size', () => {
  expect(tileGrid({ width: 640, height: 1024 }, { size: 1024 })).toEqual({
    lefts: [0],
    tops: [0],
    width: 640,
    height: 1024,
  });
  const wide = tileGrid({ width: 2000, height: 100 }, { size: 1024, overlap: 0 });
  expect(wide).toEqual({ lefts: [0, 976], tops: [0], width: 1024, height: 100 });
});

test('tiles cover the picture, end at its borders and share at least the overlap', () => {
  const side = fc.integer({ min: 1, max: 6000 });
  fc.assert(
    fc.property(
      side,
      side,
      fc.integer({ min: 64, max: 2000 }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      (width, height, size, overlap) => {
        const grid = tileGrid({ width, height }, { size, overlap });
        for (const [starts, tile, whole] of [
          [grid.lefts, grid.width, width],
          [grid.tops, grid.height, height],
        ] as const) {
          expect(starts[0]).toBe(0);
          expect(starts[starts.length - 1] + tile).toBe(whole);
          for (let i = 1; i < starts.length; i++) {
            expect(starts[i]).toBeGreaterThan(starts[i - 1]);
            const shared = starts[i - 1] + tile - starts[i];
            expect(shared).toBeGreaterThanOrEqual(
              Math.min(tile - 1, Math.round(size * overlap) - 1),
            );
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});

describe('options out of range are refused', () => {
  test.each([
    [{ size: 63 }, 'size of 64 to 16384'],
    [{ size: 100.5 }, 'size'],
    [{ size: 1024, overlap: 0.95 }, 'overlap from 0 to 0.9'],
    [{ size: 1024, overlap: NaN }, 'overlap'],
    [1024 as never, '{ size, overlap }'],
    [{} as never, 'size'],
  ])('%j', (tile, message) => {
    expect(() => assertTile(tile)).toThrow(ConfigError);
    expect(() => assertTile(tile)).toThrow(message);
  });
});
