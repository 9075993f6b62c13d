import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeRle } from '../../../core/rle.js';
import { maskInstances } from '../../../io/png/instances.js';

test('each value becomes a mask with its box and area', () => {
  const data = Uint16Array.of(0, 0, 24001, 7, 7, 24001, 0, 7, 0);
  const found = maskInstances({ width: 3, height: 3, data });
  expect(found.map(({ value, areaPx, box }) => [value, areaPx, box])).toEqual([
    [7, 3, [0, 1, 2, 2]],
    [24001, 2, [2, 0, 1, 2]],
  ]);
});

test('the masks are the pixels of each value, and an empty image has none', () => {
  expect(maskInstances({ width: 2, height: 1, data: new Uint8Array(2) })).toEqual([]);
  const image = fc
    .record({ width: fc.integer({ min: 1, max: 7 }), height: fc.integer({ min: 1, max: 7 }) })
    .chain((size) =>
      fc
        .uint8Array({
          minLength: size.width * size.height,
          maxLength: size.width * size.height,
          max: 3,
        })
        .map((data) => ({ ...size, data })),
    );
  fc.assert(
    fc.property(image, ({ width, height, data }) => {
      const found = maskInstances({ width, height, data });
      expect(found.map(({ value }) => value)).toEqual(
        [...new Set(data)].filter((v) => v > 0).sort(),
      );
      for (const { value, mask, areaPx } of found) {
        const pixels = data.map((v) => (v === value ? 1 : 0));
        expect([...mask.counts]).toEqual([...encodeRle(pixels, height, width).counts]);
        expect(areaPx).toBe(pixels.reduce((sum, v) => sum + v, 0));
      }
    }),
    { numRuns: 300 },
  );
});
