import { describe, expect, test } from 'vitest';
import type { RgbImage } from '../../core/image.js';
import { Random } from '../../core/random.js';
import { cutOutObjects } from '../../datasets/object-cutouts.js';

/** Image of value 10 with squares of values of their own. */
function scene(width: number, height: number, squares: readonly number[][]): RgbImage {
  const data = new Uint8Array(width * height * 3).fill(10);
  for (const [x, y, side, value] of squares)
    for (let row = y; row < y + side; row++)
      data.fill(value, (row * width + x) * 3, (row * width + x + side) * 3);
  return { width, height, data };
}
const centerOf = ({ width, height, data }: RgbImage): number =>
  data[((height >> 1) * width + (width >> 1)) * 3];

describe('cutouts of objects', () => {
  const image = scene(200, 100, [
    [20, 30, 20, 100],
    [150, 40, 40, 200],
  ]);
  const objects = {
    boxes: Float32Array.of(20, 30, 40, 50, 150, 40, 190, 80),
    classIndices: Int32Array.of(1, 0),
  };

  test('show each object in the middle with its surroundings, at one size', () => {
    const cut = cutOutObjects(image, objects, { size: 32, numClasses: 1e9, random: new Random(0) });
    expect(cut.map(({ classIndex }) => classIndex)).toEqual([1, 0]);
    for (const [i, value] of [100, 200].entries()) {
      const { image: picture } = cut[i];
      expect([picture.width, picture.height]).toEqual([32, 32]);
      expect(centerOf(picture)).toBe(value);
      expect(picture.data[0]).toBe(10);
      // 1 / 1.4 of the side: 23 of 32 pixels.
      const middle = Array.from(picture.data.subarray(16 * 96, 17 * 96)).filter(
        (_, at) => at % 3 === 0,
      );
      const count = middle.filter((pixel) => pixel === value).length;
      expect(count).toBeGreaterThanOrEqual(21);
      expect(count).toBeLessThanOrEqual(24);
    }
  });

  test('background shows no object, and is as frequent as a class', () => {
    const random = new Random(3);
    let numBackgrounds = 0;
    for (let i = 0; i < 200; i++)
      for (const { classIndex, image: picture } of cutOutObjects(image, objects, {
        size: 16,
        numClasses: 2,
        random,
      })) {
        if (classIndex !== 2) continue;
        numBackgrounds++;
        const others = Array.from(picture.data).filter((value) => value > 90).length;
        expect(others / picture.data.length).toBeLessThan(0.45);
      }
    expect(numBackgrounds).toBeGreaterThan(150);
    expect(numBackgrounds).toBeLessThan(250);
  });

  test('an object that fills its picture, or lies at its border, is cut out of what there is', () => {
    const full = cutOutObjects(
      scene(40, 60, [[0, 0, 40, 77]]),
      { boxes: Float32Array.of(0, 0, 40, 60), classIndices: Int32Array.of(0) },
      { size: 16, numClasses: 1, random: new Random(1) },
    );
    expect(full).toHaveLength(1);
    expect([full[0].image.width, full[0].image.height]).toEqual([16, 16]);
  });
});
