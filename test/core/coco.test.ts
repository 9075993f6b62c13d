import { expect, test } from 'vitest';
import { rleOfSegmentation } from '../../core/coco.js';
import { DataError } from '../../core/errors.js';
import { rleFromBox, rleFromPolygons } from '../../core/rle-polygons.js';
import { rleToString } from '../../core/rle-string.js';

const square = [1, 1, 5, 1, 5, 6, 1, 6];
const mask = rleFromPolygons([square], 8, 9);

test('run lengths, their text and polygons give the same mask', () => {
  const size = [8, 9] as const;
  expect(rleOfSegmentation([square], 8, 9)).toEqual(mask);
  expect(rleOfSegmentation({ size, counts: [...mask.counts] }, 0, 0)).toEqual(mask);
  expect(rleOfSegmentation({ size, counts: rleToString(mask) }, 0, 0)).toEqual(mask);
});

test('lists of four numbers are boxes if the first one is', () => {
  expect(rleOfSegmentation([[1, 2, 3, 4]], 8, 9)).toEqual(rleFromBox([1, 2, 3, 4], 8, 9));
  expect(rleOfSegmentation([square, [1, 2, 3, 4]], 8, 9)).toEqual(
    rleFromPolygons([square, [1, 2, 3, 4]], 8, 9),
  );
  expect(() => rleOfSegmentation([[1, 2, 3, 4], square], 8, 9)).toThrow(DataError);
});

test('polygons need an image with a size, and run lengths must fill theirs', () => {
  expect(() => rleOfSegmentation([square], 0, 9)).toThrow('got 0 x 9');
  expect(() => rleOfSegmentation([[]], 8, 9)).toThrow('6 numbers or more, got 0');
  expect(() => rleOfSegmentation({ size: [8, 9], counts: [1] }, 8, 9)).toThrow('got 1');
});
