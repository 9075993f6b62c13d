import { expect, test } from 'vitest';
import { pngNames } from '../../../io/png/names.js';

test('equal names get numbers, also those that are equal without case or in another composition of accents', () => {
  expect(pngNames(['a/x.jpg', 'b/x.png', 'b/x-2.png', 'c/x.jpg', 'd/y.jpg'])).toEqual([
    ...['x.png', 'x-2.png', 'x-2-2.png', 'x-3.png', 'y.png'],
  ]);
  expect(pngNames(['A.jpg', 'a.jpg', 'é.jpg', 'e\u0301.jpg'])).toEqual([
    ...['A.png', 'a-2.png', 'é.png', 'e\u0301-2.png'],
  ]);
});

test('fifty thousand folders with an image of one name take less than a few seconds', () => {
  const names = pngNames(Array.from({ length: 50_000 }, (_, i) => `${i}/rgb.jpg`));
  expect(new Set(names).size).toBe(50_000);
  expect(names.at(-1)).toBe('rgb-50000.png');
}, 5000);
