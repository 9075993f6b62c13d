import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maskContours, maskOutline } from '../../core/mask-outline.js';
import { decodeRle, encodeRle, rleArea, type Rle } from '../../core/rle.js';

/** A mask from rows of text. */
function mask(...rows: readonly string[]): Rle {
  const [height, width] = [rows.length, rows[0].length];
  const pixels = Array.from(rows.join(''), (cell) => (cell === '#' ? 1 : 0));
  return encodeRle(pixels, height, width);
}

/** Twice the signed area, positive where the corners go clockwise on the screen. */
function doubleArea(polygon: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < polygon.length; i += 2) {
    const j = (i + 2) % polygon.length;
    sum += polygon[i] * polygon[j + 1] - polygon[j] * polygon[i + 1];
  }
  return sum;
}

/** Whether a pixel's center is inside a polygon, by the parity of crossings. */
function isInside(polygon: Float64Array, x: number, y: number): boolean {
  let inside = false;
  for (let i = 0; i < polygon.length; i += 2) {
    const j = (i + 2) % polygon.length;
    const [x1, y1, x2, y2] = [polygon[i], polygon[i + 1], polygon[j], polygon[j + 1]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

test('one pixel has four corners, clockwise', () => {
  const [contour, ...others] = maskContours(mask('...', '.#.'));
  expect(others).toEqual([]);
  expect([...contour].sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  expect(doubleArea(contour)).toBe(2);
});

test('a hole runs the other way, and pixels that touch at a corner are apart', () => {
  const ring = maskContours(mask('###', '#.#', '###'));
  expect(ring.map(doubleArea)).toEqual([18, -2]);
  expect(maskContours(mask('#.', '.#')).map(doubleArea)).toEqual([2, 2]);
  expect(maskContours(mask('.#', '#.')).map(doubleArea)).toEqual([2, 2]);
});

test('an empty mask has none', () => {
  expect(maskContours(mask('..', '..'))).toEqual([]);
  expect(maskOutline(mask('..'))).toEqual(new Float64Array(0));
});

const masks = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }))
  .chain(([height, width]) =>
    fc
      .array(fc.constantFrom('#', '.'), { minLength: height * width, maxLength: height * width })
      .map((cells) =>
        mask(
          ...Array.from({ length: height }, (_, y) =>
            cells.slice(y * width, (y + 1) * width).join(''),
          ),
        ),
      ),
  );

test('contours add up to the area, corners alternate, and the outline encloses the mask and nothing else', () => {
  fc.assert(
    fc.property(masks, (rle) => {
      const contours = maskContours(rle);
      expect(contours.reduce((sum, contour) => sum + doubleArea(contour), 0)).toBe(
        2 * rleArea(rle),
      );
      const outline = maskOutline(rle);
      const { height, width } = rle;
      const pixels = decodeRle(rle);
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
          // Off the center, so that no joining line runs through the point.
          expect(isInside(outline, x + 0.4931, y + 0.5077)).toBe(pixels[y * width + x] === 1);
    }),
  );
});
