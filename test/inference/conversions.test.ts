import { expect, test } from 'vitest';
import {
  compressMask,
  segmentResult,
  type ClassifyResult,
  type DetectResult,
} from '../../core/results.js';
import { encodeRle } from '../../core/rle.js';
import { toCoco } from '../../inference/to-coco.js';
import { toLabelMe } from '../../inference/to-labelme.js';
import { toYolo } from '../../inference/to-yolo.js';

const mask = compressMask(encodeRle([0, 1, 1, 0, 0, 1, 0, 0], 2, 4));
const detected: DetectResult = {
  task: 'detect',
  width: 4,
  height: 2,
  objects: [
    { classIndex: 1, categoryId: 17, name: 'cat', score: 0.75, box: [1, 0, 2, 2], mask },
    { classIndex: 0, categoryId: 3, name: 'car', score: 0.5, box: [0, 0, 4, 1] },
  ],
};
const classified: ClassifyResult = {
  task: 'classify',
  width: 4,
  height: 2,
  classes: [{ classIndex: 2, name: 'dog', probability: 0.9 }],
};
const segmented = segmentResult({
  width: 2,
  height: 1,
  labels: Uint8Array.of(1, 0),
  classNames: ['ground', 'thing'],
});

test('rows of COCO have the ids of the result or those that are given', () => {
  for (const wrong of [{ imageId: NaN }, { imageId: 1.5 }, { categoryIds: [1, NaN] }])
    expect(() => toCoco(detected, wrong)).toThrow(/^(imageId|categoryIds): expected/);
  expect(() => toCoco({ ...detected, objects: [{} as never] })).toThrow('without box');
  expect(toCoco(detected, { imageId: 5 })).toEqual([
    { image_id: 5, category_id: 17, bbox: [1, 0, 2, 2], score: 0.75, segmentation: mask },
    { image_id: 5, category_id: 3, bbox: [0, 0, 4, 1], score: 0.5 },
  ]);
  expect(toCoco(detected, { categoryIds: [8, 9] }).map((row) => row.category_id)).toEqual([9, 8]);
  expect(toCoco(classified)).toEqual([{ image_id: 0, category_id: 3, score: 0.9 }]);
  expect(toCoco(segmented).map(({ category_id }) => category_id)).toEqual([1, 2]);
});

test('lines of YOLO have centers and sizes, or outlines (of boxes, too), in fractions of the image', () => {
  expect(toYolo(detected)).toBe('1 0.5 0.5 0.5 1\n0 0.5 0.25 1 0.5\n');
  expect(toYolo(detected, { scores: true })).toBe('1 0.5 0.5 0.5 1 0.75\n0 0.5 0.25 1 0.5 0.5\n');
  const [first, second] = toYolo(detected, { masks: true }).split('\n');
  expect(first).toBe('1 0.75 0 0.75 0.5 0.5 0.5 0.5 1 0.25 1 0.25 0');
  expect(second).toBe('0 0 0 1 0 1 0.5 0 0.5');
  expect(toYolo(segmented)).toBe('0 1 0 1 1 0.5 1 0.5 0\n1 0.5 0 0.5 1 0 1 0 0\n');
  expect(toYolo({ ...detected, objects: [] })).toBe('');
});

test('LabelMe gets polygons of masks, rectangles of boxes, and a flag of a class', () => {
  const file = toLabelMe(detected, { imagePath: 'a.jpg' });
  expect(file).toMatchObject({
    imagePath: 'a.jpg',
    imageData: null,
    imageHeight: 2,
    imageWidth: 4,
  });
  expect(file.shapes.map(({ label, shape_type }) => [label, shape_type])).toEqual([
    ['cat', 'polygon'],
    ['car', 'rectangle'],
  ]);
  expect(file.shapes[0].points).toHaveLength(6);
  expect(file.shapes[1].points).toEqual([
    [0, 0],
    [4, 1],
  ]);
  expect(toLabelMe(classified, { imagePath: 'a.jpg' })).toMatchObject({
    flags: { dog: true },
    shapes: [],
  });
  expect(toLabelMe(segmented, { imagePath: 'a.jpg' }).shapes.map(({ label }) => label)).toEqual([
    'ground',
    'thing',
  ]);
});
