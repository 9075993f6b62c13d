import { expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { segmentResult, toJson, type ImageResult } from '../../core/results.js';
import { ADE20K_CLASSES, ade20kPalette } from '../../datasets/classes/ade20k.js';
import { classPalette } from '../../inference/segment/palette.js';
import { classColor } from '../../report/overlay/colors.js';
import { itemsOf } from '../../serve/page/items.js';
import { draw, fractionText } from '../../report/draw.js';
import { paletteOf } from '../../train/segment/palette.js';

test('a class that takes a few pixels is not said to take none', () => {
  expect(fractionText(1 / 250_000, 1)).toBe('< 0.1');
  expect(fractionText(0.000999, 1)).toBe('< 0.1');
  expect(fractionText(0.001, 1)).toBe('0.1');
  expect(fractionText(0, 1)).toBe('0.0');
  expect([fractionText(1 / 3, 1), fractionText(0.37, 0), fractionText(1, 1)]).toEqual([
    '33.3',
    '37',
    '100.0',
  ]);
});

const image = { width: 40, height: 30, data: new Uint8Array(40 * 30 * 3).fill(90) };
const results: readonly ImageResult[] = [
  {
    task: 'classify',
    width: 40,
    height: 30,
    classes: [{ classIndex: 1, name: 'b', probability: 0.75 }],
  },
  {
    task: 'detect',
    width: 40,
    height: 30,
    objects: [{ classIndex: 0, categoryId: 1, name: 'a', score: 0.5, box: [5, 5, 20, 10] }],
  },
  segmentResult({
    width: 40,
    height: 30,
    classNames: ['a', 'b'],
    labels: Uint8Array.from({ length: 1200 }, (_, i) => i % 2),
  }),
];

test.each(results)(
  'a result of $task is drawn on its image, which stays as it is',
  async (result) => {
    const rgba = { ...image, data: new Uint8Array(40 * 30 * 4).fill(90), channels: 4 } as const;
    const picture = await draw(result, image);
    expect(picture.data.length).toBe(3 * picture.width * picture.height);
    expect(picture.data.some((value) => value !== 90)).toBe(true);
    expect(await draw(result, rgba)).toEqual(picture);
    expect(image.data.every((value) => value === 90)).toBe(true);
    await expect(draw({ ...result, width: 41 }, image)).rejects.toThrow(ShapeError);
  },
);

test('objects below the least score are left out', async () => {
  const picture = await draw(results[1], image, { minScore: 0.6 });
  expect(picture.data.every((value) => value === 90)).toBe(true);
});

test('a palette needs a color per class', async () => {
  const [, , segments] = results;
  const short = draw(segments, image, { palette: Uint8Array.of(1, 2, 3) });
  await expect(short).rejects.toThrow('expected a palette of 2 colors, [K, 3], got 3 values');
  await draw(segments, image, { palette: Uint8Array.of(1, 2, 3, 4, 5, 6) });
});

test('pictures, the page of the server and label files have the colors of the model', async () => {
  const classNames = ['a', 'b'];
  const fields = { width: 40, height: 30, classNames, labels: new Uint8Array(1200) };
  const palette = [
    [200, 10, 30],
    [1, 2, 3],
  ] as const;
  const own = segmentResult({ ...fields, palette });
  const picture = await draw(own, image);
  expect(picture).toEqual(
    await draw(segmentResult(fields), image, { palette: Uint8Array.from(palette.flat()) }),
  );
  expect(picture).not.toEqual(await draw(segmentResult(fields), image));
  expect(itemsOf(toJson(own)).map(({ color }) => color)).toEqual([palette[0]]);
  expect(itemsOf(toJson(segmentResult(fields)))[0].color).toEqual(classColor(0));
  expect([...paletteOf({ classNames, palette })]).toEqual(palette.flat());
});

test('ADE20K’s classes have its colors, others those that are easy to distinguish', () => {
  const ade20k = { classNames: ADE20K_CLASSES };
  expect(classPalette(ade20k)?.flat()).toEqual([...ade20kPalette()]);
  expect([...paletteOf(ade20k)]).toEqual([...ade20kPalette()]);
  expect(classPalette({ classNames: ['a'], palette: [] })).toBeUndefined();
  expect([...paletteOf({ classNames: ['a'] })]).toEqual(classColor(0));
});
