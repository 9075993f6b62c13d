import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { rleFromBox, rleFromPolygons } from '../../../core/rle-polygons.js';
import { rleToString } from '../../../core/rle-string.js';
import { encodeRle } from '../../../core/rle.js';
import { rleOfPool } from '../../../evaluation/coco/mask-pool.js';
import type { CocoGroundTruth, IouType } from '../../../evaluation/coco/objects.js';
import { readCocoGroundTruth } from '../../../evaluation/coco/read-ground-truth.js';

const images = [{ id: 3, height: 10, width: 12, file_name: 'a.jpg' }];
const categories = [{ id: 1, name: 'cät', supercategory: 'x' }];
const polygon = [1, 1, 5, 1, 5, 6, 1, 6];
const annotation = {
  id: 7,
  image_id: 3,
  category_id: 1,
  area: 20.5,
  bbox: [1, 1, 4, 5],
  iscrowd: 0,
  segmentation: [polygon],
};

function read(value: unknown, iouType: IouType): CocoGroundTruth {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return readCocoGroundTruth({ bytes: new TextEncoder().encode(text), file: 'gt.json' }, iouType);
}

test('objects are read in file order with what is compared', () => {
  const second = { ...annotation, id: 2, iscrowd: 1, ignore: 1 };
  const truth = read({ info: {}, images, annotations: [annotation, second], categories }, 'bbox');
  expect([...truth.ids]).toEqual([7, 2]);
  expect([...truth.boxes]).toEqual([1, 1, 4, 5, 1, 1, 4, 5]);
  expect([...truth.areas]).toEqual([20.5, 20.5]);
  expect([...truth.isCrowd]).toEqual([0, 1]);
  expect([...truth.ignoreFlags]).toEqual([0, 1]);
  expect(truth.categories).toEqual([{ id: 1, name: 'cät' }]);
  expect([truth.imageIds[0], truth.imageHeights[0], truth.imageWidths[0]]).toEqual([3, 10, 12]);
  expect(truth.masks).toBeUndefined();
});

test('the order of the members of the file does not matter', () => {
  const first = read({ images, annotations: [annotation], categories }, 'segm');
  const second = read({ annotations: [annotation], categories, images }, 'segm');
  const mask = rleFromPolygons([polygon], 10, 12);
  for (const { masks } of [first, second]) expect(masks && rleOfPool(masks, 0)).toEqual(mask);
});

test('masks are read from polygons, text and lists of runs, and boxes of four numbers', () => {
  const rle = encodeRle(
    Array.from({ length: 120 }, (_, i) => i % 2),
    10,
    12,
  );
  const segmentations = [
    [polygon, [6, 6, 9, 6, 9, 9]],
    { size: [10, 12], counts: [...rle.counts] },
    { counts: rleToString(rle), size: [10, 12] },
    [[1, 2, 3, 4]],
  ];
  const annotations = segmentations.map((segmentation, i) => ({
    ...annotation,
    id: i + 1,
    segmentation,
  }));
  const { masks } = read({ images, annotations, categories }, 'segm');
  expect([0, 1, 2, 3].map((i) => masks && rleOfPool(masks, i))).toEqual([
    rleFromPolygons([polygon, [6, 6, 9, 6, 9, 9]], 10, 12),
    rle,
    rle,
    rleFromBox([1, 2, 3, 4], 10, 12),
  ]);
});

test('keypoints are read, and counted where the file does not say', () => {
  const keypoints = [1, 2, 2, 3, 4, 0, 5, 6, 1];
  const annotations = [
    { ...annotation, keypoints, num_keypoints: 0 },
    { ...annotation, id: 8, keypoints },
  ];
  const truth = read({ images, annotations, categories }, 'keypoints');
  expect([...(truth.numKeypoints ?? [])]).toEqual([0, 2]);
  expect(truth.keypoints?.length).toBe(18);
});

test('a file without annotations has no objects', () => {
  expect(read({ images, annotations: [], categories }, 'segm').ids.length).toBe(0);
});

describe('refuses', () => {
  const { area: _area, ...noArea } = annotation;
  const { bbox: _bbox, ...noBox } = annotation;
  const { segmentation: _segmentation, ...noMask } = annotation;
  const one = (a: object): object => ({ images, annotations: [a], categories });
  test.each([
    ['[]', 'bbox', 'gt.json: expected an object, got "[]"'],
    [{ annotations: [], categories }, 'bbox', 'gt.json: expected "images", got none'],
    [{ images, categories }, 'bbox', 'gt.json: expected "annotations", got none'],
    [{ images, annotations: [] }, 'bbox', 'gt.json: expected "categories", got none'],
    [{ images: [{}], annotations: [], categories }, 'bbox', 'a whole number as id of image 0'],
    [{ images, annotations: [], categories: [{}] }, 'bbox', 'a whole number as id of category 0'],
    [one(noArea), 'bbox', 'gt.json: annotation 7: expected "area", got none'],
    [one(noBox), 'bbox', 'gt.json: annotation 7: expected "bbox", got none'],
    [one(noMask), 'segm', 'gt.json: annotation 7: expected "segmentation", got none'],
    [
      one({ ...annotation, segmentation: [] }),
      'segm',
      'annotation 7: expected "segmentation", got none',
    ],
    [one(annotation), 'keypoints', 'annotation 7: expected "keypoints", got none'],
    [one({ ...annotation, image_id: 4 }), 'segm', 'annotation 7: expected a known image_id, got 4'],
    [one({ ...annotation, iscrowd: 2 }), 'bbox', 'annotation 7: expected 0, 1, true or false'],
    [one({ area: 1 }), 'bbox', 'annotation at index 0: expected "id", got none'],
    [
      one({ ...annotation, id: 1.5 }),
      'bbox',
      'annotation 1.5: expected a whole number as id, got 1.5',
    ],
    [
      { ...one(annotation), images: [{ id: 3 }] },
      'segm',
      'an image with height and width, got 0 x 0',
    ],
    [
      one({ ...annotation, segmentation: [[1, 2, 3]] }),
      'segm',
      'polygons of 6 numbers or more, got 3',
    ],
  ] as const)('%j as %s', (value, iouType, message) => {
    expect(() => read(value, iouType)).toThrow(DataError);
    expect(() => read(value, iouType)).toThrow(message);
  });
});

test('a damaged file is refused, or read with all its annotations', () => {
  const annotations = [1, 2].map((id) => ({ ...annotation, id }));
  const text = JSON.stringify({ images, annotations, categories });
  const edit = fc.record({
    at: fc.nat(text.length - 1),
    length: fc.nat(2),
    insert: fc.string({ maxLength: 2 }),
  });
  fc.assert(
    fc.property(
      edit,
      fc.constantFrom<IouType>('bbox', 'segm'),
      ({ at, length, insert }, iouType) => {
        const damaged = text.slice(0, at) + insert + text.slice(at + length);
        let truth: CocoGroundTruth;
        try {
          truth = read(damaged, iouType);
        } catch (error) {
          if (!(error instanceof DataError)) throw error;
          return;
        }
        const json = JSON.parse(damaged) as { annotations: unknown[] };
        expect(truth.ids.length).toBe(json.annotations.length);
      },
    ),
    { numRuns: 1500 },
  );
});
