import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { rleFromBox, rleFromPolygons } from '../../../core/rle-polygons.js';
import { rleToString } from '../../../core/rle-string.js';
import { encodeRle } from '../../../core/rle.js';
import { rleOfPool } from '../../../evaluation/coco/mask-pool.js';
import type { IouType } from '../../../core/coco.js';
import type { CocoGroundTruth } from '../../../evaluation/coco/objects.js';
import { readGroundTruth } from '../../../tools/score/read-coco.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { put } = temporaryFolder();

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

async function read(value: unknown, iouType: IouType): Promise<CocoGroundTruth> {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return readGroundTruth(await put('gt.json', text), iouType);
}

test('objects are read in file order with what is compared', async () => {
  const second = { ...annotation, id: 2, iscrowd: 1, ignore: 1 };
  const groundTruth = await read(
    { info: {}, images, annotations: [annotation, second], categories },
    'bbox',
  );
  expect([...groundTruth.ids]).toEqual([7, 2]);
  expect([...groundTruth.boxes]).toEqual([1, 1, 4, 5, 1, 1, 4, 5]);
  expect([...groundTruth.areas]).toEqual([20.5, 20.5]);
  expect([...groundTruth.isCrowd]).toEqual([0, 1]);
  expect([...groundTruth.ignoreFlags]).toEqual([0, 1]);
  expect(groundTruth.categories).toEqual([{ id: 1, name: 'cät' }]);
  expect([
    groundTruth.imageIds[0],
    groundTruth.imageHeights[0],
    groundTruth.imageWidths[0],
  ]).toEqual([3, 10, 12]);
  expect(groundTruth.masks).toBeUndefined();
});

test('the order of the members of the file does not matter', async () => {
  const first = await read({ images, annotations: [annotation], categories }, 'segm');
  const second = await read({ annotations: [annotation], categories, images }, 'segm');
  const mask = rleFromPolygons([polygon], 10, 12);
  for (const { masks } of [first, second]) expect(masks && rleOfPool(masks, 0)).toEqual(mask);
});

test('masks are read from polygons, text and lists of runs, and boxes of four numbers', async () => {
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
  const { masks } = await read({ images, annotations, categories }, 'segm');
  expect([0, 1, 2, 3].map((i) => masks && rleOfPool(masks, i))).toEqual([
    rleFromPolygons([polygon, [6, 6, 9, 6, 9, 9]], 10, 12),
    rle,
    rle,
    rleFromBox([1, 2, 3, 4], 10, 12),
  ]);
});

test('keypoints are read, and counted where the file does not say', async () => {
  const keypoints = [1, 2, 2, 3, 4, 0, 5, 6, 1];
  const annotations = [
    { ...annotation, keypoints, num_keypoints: 0 },
    { ...annotation, id: 8, keypoints },
  ];
  const groundTruth = await read({ images, annotations, categories }, 'keypoints');
  expect([...(groundTruth.numKeypoints ?? [])]).toEqual([0, 2]);
  expect(groundTruth.keypoints?.length).toBe(18);
});

test('what the COCO evaluation does not look at may be missing or be anything', async () => {
  const lenient = {
    id: 7,
    image_id: 3,
    category_id: 1,
    area: 20.5,
    bbox: [1, 1, 4, 5],
    keypoints: 'none',
    num_keypoints: null,
    segmentation: { counts: null },
    attributes: { occluded: true },
  };
  const file = {
    images: [{ id: 3, height: null }],
    annotations: [lenient],
    categories: [{ id: 1 }],
  };
  const groundTruth = await read(file, 'bbox');
  expect([groundTruth.ids.length, groundTruth.isCrowd[0], groundTruth.imageHeights[0]]).toEqual([
    1, 0, 0,
  ]);
  expect(groundTruth.categories).toEqual([{ id: 1, name: '1' }]);
  const masked = { ...annotation, bbox: 'x', keypoints: 3, iscrowd: undefined };
  expect((await read({ images, annotations: [masked], categories }, 'segm')).ids.length).toBe(1);
});

test.each([
  ['bbox', { segmentation: undefined }, 20],
  ['bbox', { segmentation: [[1, 1, 3, 1, 3, 3, 1, 3]] }, 4],
  ['segm', { segmentation: [[1, 1, 3, 1, 3, 3, 1, 3]] }, 4],
  ['bbox', { segmentation: [[1, 1, 3, 2]] }, 6],
  ['bbox', { segmentation: { size: [2, 2], counts: [1, 3] } }, 3],
  ['bbox', { segmentation: { counts: null } }, 20],
  ['bbox', { area: null }, 20],
] as const)('without an area, %s takes that of the mask or box: %j', async (type, change, area) => {
  const one = { ...annotation, bbox: [1, 1, 4, 5], area: undefined, ...change };
  const groundTruth = await read({ images, annotations: [one], categories }, type);
  expect([...groundTruth.areas]).toEqual([area]);
});

test('masks of images that are not wanted are empty', async () => {
  const annotations = [annotation, { ...annotation, id: 8, image_id: 4 }];
  const file = await put(
    'gt.json',
    JSON.stringify({ images: [...images, { ...images[0], id: 4 }], annotations, categories }),
  );
  const { masks } = await readGroundTruth(file, 'segm', { wantsMask: (imageId) => imageId === 4 });
  expect(masks && [...masks.heights]).toEqual([0, 10]);
});

test('a file without annotations has no objects', async () => {
  expect((await read({ images, annotations: [], categories }, 'segm')).ids.length).toBe(0);
});

describe('refuses', () => {
  const { bbox: _bbox, ...noBox } = annotation;
  const { segmentation: _segmentation, ...noMask } = annotation;
  const one = (a: object): object => ({ images, annotations: [a], categories });
  test.each([
    ['[]', 'bbox', 'gt.json: expected {images, annotations, categories}, got a bare list'],
    [{ annotations: [], categories }, 'bbox', 'gt.json: expected an array "images", got none'],
    [{ images, categories }, 'bbox', 'gt.json: expected an array "annotations", got none'],
    [{ images, annotations: [] }, 'bbox', 'gt.json: expected an array "categories", got none'],
    [
      { images: {}, annotations: [], categories },
      'bbox',
      'gt.json: images: expected an array, got {}',
    ],
    [
      { images: [{}], annotations: [], categories },
      'bbox',
      'gt.json: images[0]: id: expected a value, got none',
    ],
    [
      { images, annotations: [], categories: [{}] },
      'bbox',
      'gt.json: categories[0]: id: expected a value, got none',
    ],
    [one(noBox), 'bbox', 'gt.json: annotations[0] (id 7): bbox: expected a value, got none'],
    [
      one(noMask),
      'segm',
      'gt.json: annotations[0] (id 7): segmentation: expected a value, got none',
    ],
    [
      one({ ...annotation, segmentation: [] }),
      'segm',
      'annotations[0] (id 7): segmentation: expected a list of at least 1, got 0',
    ],
    [one(annotation), 'keypoints', 'annotations[0] (id 7): keypoints: expected a value, got none'],
    [
      one({ ...annotation, image_id: 4 }),
      'segm',
      'annotations[0] (id 7): expected a known image_id, got 4',
    ],
    [
      one({ ...annotation, iscrowd: 2 }),
      'bbox',
      'annotations[0] (id 7): iscrowd: expected one of 0, 1, true, false, got 2',
    ],
    [one({ area: 1 }), 'bbox', 'gt.json: annotations[0]: id: expected a value, got none'],
    [
      one({ ...annotation, id: 1.5 }),
      'bbox',
      'annotations[0] (id 1.5): id: expected a whole number from -9007199254740991 to 9007199254740991, got 1.5',
    ],
    [
      { ...one(annotation), images: [{ id: 3 }] },
      'segm',
      'annotations[0] (id 7): expected an image with height and width, got 0 x 0',
    ],
    [
      one({ ...annotation, segmentation: [[1, 2, 3]] }),
      'segm',
      'annotations[0] (id 7): expected polygons of 6 numbers or more, got 3',
    ],
    [
      one({ ...annotation, segmentation: { size: [2, 2], counts: [1] } }),
      'segm',
      'annotations[0] (id 7): segmentation/counts: expected runs of 2 x 2 = 4 pixels, got 1',
    ],
    [
      one({ ...annotation, segmentation: { size: [2, 2], counts: 'é' } }),
      'segm',
      'annotations[0] (id 7): segmentation/counts: expected',
    ],
  ] as const)('%j as %s', async (value, iouType, message) => {
    await expect(read(value, iouType)).rejects.toThrow(DataError);
    await expect(read(value, iouType)).rejects.toThrow(message);
  });
});

test('a damaged file is refused, or read with all its annotations', async () => {
  const annotations = [1, 2].map((id) => ({ ...annotation, id }));
  const text = JSON.stringify({ images, annotations, categories });
  const edit = fc.record({
    at: fc.nat(text.length - 1),
    length: fc.nat(2),
    insert: fc.string({ maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(
      edit,
      fc.constantFrom<IouType>('bbox', 'segm'),
      async ({ at, length, insert }, iouType) => {
        const damaged = text.slice(0, at) + insert + text.slice(at + length);
        let groundTruth: CocoGroundTruth;
        try {
          groundTruth = await read(damaged, iouType);
        } catch (error) {
          if (!(error instanceof DataError)) throw error;
          return;
        }
        const json = JSON.parse(damaged) as { annotations: unknown[] };
        expect(groundTruth.ids.length).toBe(json.annotations.length);
      },
    ),
    { numRuns: 1500, seed: 6 },
  );
});
