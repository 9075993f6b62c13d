import { describe, expect, test } from 'vitest';
import {
  baseAnchors,
  levelOffsets,
  levelSizes,
  PYRAMID_ANCHORS,
  pyramidAnchors,
  usableAnchors,
} from '../../core/anchors.js';
import { ConfigError } from '../../core/errors.js';

const SMALL = { strides: [4, 8], scale: 2, ratios: [1, 4] } as const;

describe('anchors computed by hand', () => {
  test('ratio is height / width at constant area', () => {
    expect([...baseAnchors(4, SMALL)]).toEqual([-4, -4, 4, 4, -2, -8, 2, 8]);
  });

  test('cells are ordered by rows, ratios innermost, with centers on multiples of the stride', () => {
    const sizes = levelSizes({ width: 8, height: 8 }, SMALL.strides);
    const anchors = pyramidAnchors(sizes, SMALL);
    const centers = Array.from({ length: anchors.length / 4 }, (_, i) => [
      (anchors[4 * i] + anchors[4 * i + 2]) / 2,
      (anchors[4 * i + 1] + anchors[4 * i + 3]) / 2,
      anchors[4 * i + 2] - anchors[4 * i],
    ]);
    expect(centers).toEqual([
      [0, 0, 8],
      [0, 0, 4],
      [4, 0, 8],
      [4, 0, 4],
      [0, 4, 8],
      [0, 4, 4],
      [4, 4, 8],
      [4, 4, 4],
      [0, 0, 16],
      [0, 0, 8],
    ]);
    expect([...levelOffsets(sizes, SMALL)]).toEqual([0, 8, 10]);
  });

  test('the standard pyramid has squares of 32 to 512 pixels', () => {
    const sides = PYRAMID_ANCHORS.strides.map((stride) => {
      const base = baseAnchors(stride, PYRAMID_ANCHORS);
      return base[6] - base[4];
    });
    expect(sides).toEqual([32, 64, 128, 256, 512]);
  });

  test('sizes are rounded up', () => {
    expect(levelSizes({ width: 160, height: 96 }, [32, 64])).toEqual([
      { width: 5, height: 3 },
      { width: 3, height: 2 },
    ]);
  });
});

describe('usable anchors', () => {
  const sizes = levelSizes({ width: 16, height: 8 }, SMALL.strides); // 4 x 2 and 2 x 1 cells
  const anchors = pyramidAnchors(sizes, SMALL);
  const usable = (padded: number, allowedBorderPx: number): number[] => [
    ...usableAnchors(anchors, sizes, SMALL, {
      padded: { width: padded, height: 8 },
      image: { width: 12, height: 8 },
      allowedBorderPx,
    }),
  ];

  test('cells beyond the image’s padded size are left out', () => {
    const row = [1, 1, 1, 1, 1, 1, 0, 0];
    expect(usable(12, -1)).toEqual([...row, ...row, 1, 1, 1, 1]);
    expect(usable(16, -1)).not.toContain(0);
  });

  test('with a border only anchors within it remain; the far side is exclusive', () => {
    expect(usable(16, 0)).toEqual(new Array(20).fill(0));
    const kept = (border: number): number[] =>
      usable(16, border).flatMap((flag, i) => (flag === 1 ? [i] : []));
    // The 8 x 8 anchors (even) of column 3 end at x = 16, the 4 x 16 ones (odd) of row 1 at y = 12: at the
    // border of 4 pixels beyond 12 x 8, which is exclusive.
    expect(kept(4)).toEqual([0, 2, 4, 8, 10, 12]);
    expect(kept(5)).toEqual([0, 2, 4, 6, 8, 9, 10, 11, 12, 13, 14, 15]);
  });
});

test('sizes must match the strides, strides must be positive', () => {
  expect(() => pyramidAnchors([{ width: 1, height: 1 }], SMALL)).toThrow(ConfigError);
  expect(() => levelSizes({ width: 1, height: 1 }, [0])).toThrow('expected strides > 0, got 0');
});
