import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeRle, encodeRle, rleArea } from '../../../core/rle.js';
import { wholeMask } from '../../../datasets/annotations/place-mask.js';

test('a mask is placed in its image and cut at the borders', () => {
  const mask = { kind: 'mask', x: -1, y: 1, mask: encodeRle([1, 0, 1, 1, 1, 0], 2, 3) } as const;
  expect([...decodeRle(wholeMask(mask, { width: 3, height: 2 }))]).toEqual([0, 0, 0, 0, 1, 0]);
  expect(rleArea(wholeMask({ ...mask, x: 50 }, { width: 3, height: 2 }))).toBe(0);
});

test('it is the mask of the picture with its pixels', () => {
  const side = fc.integer({ min: 1, max: 5 });
  const place = fc.integer({ min: -6, max: 6 });
  const pixels = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 25, maxLength: 25 });
  fc.assert(
    fc.property(side, side, side, side, place, place, pixels, (w, h, width, height, x, y, bits) => {
      const whole = new Uint8Array(width * height);
      for (let row = 0; row < h; row++)
        for (let column = 0; column < w; column++) {
          const [to, at] = [x + column, y + row];
          if (to >= 0 && to < width && at >= 0 && at < height)
            whole[at * width + to] = bits[row * w + column];
        }
      const mask = encodeRle(bits.slice(0, w * h), h, w);
      expect(wholeMask({ kind: 'mask', x, y, mask }, { width, height })).toEqual(
        encodeRle(whole, height, width),
      );
    }),
  );
});

test('a small mask in an image of a billion pixels takes no memory', () => {
  const mask = { kind: 'mask', x: 40_000, y: 3, mask: encodeRle([1], 1, 1) } as const;
  const placed = wholeMask(mask, { width: 65_535, height: 30_000 });
  expect([...placed.counts]).toEqual([40_000 * 30_000 + 3, 1, 25_535 * 30_000 - 4]);
});
