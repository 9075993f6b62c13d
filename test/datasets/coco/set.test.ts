import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { rleArea } from '../../../core/rle.js';
import { ConfigError, DataError } from '../../../core/errors.js';
import { createClassMap } from '../../../datasets/coco/class-map.js';
import { MaskStore } from '../../../io/coco/mask-store.js';
import { evaluationSamples, trainingSamples } from '../../../datasets/coco/samples.js';
import { loadCoco, selectImages, splitCoco } from '../../../datasets/coco/set.js';
import { groundTruthDomain, groundTruthObjects } from '../../../datasets/coco/ground-truth.js';
import type { SampleSource } from '../../../datasets/loader/loader.js';
import type { DetectionSample } from '../../../datasets/sample.js';
import { CocoGroundTruthBuilder } from '../../../evaluation/coco/objects.js';

let folder: string;
let annotations: string;
let images: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'coco-set-'));
  annotations = join(folder, 'instances.json');
  images = join(folder, 'images');
  mkdirSync(images);
});
afterAll(() => rmSync(folder, { recursive: true }));

const image = (id: number, width = 100, height = 80): Record<string, unknown> => ({
  id,
  width,
  height,
  file_name: `${id}.jpg`,
});
const object = (id: number, imageId: number, change: object = {}): Record<string, unknown> => ({
  id,
  image_id: imageId,
  category_id: 7,
  bbox: [10, 20, 30.5, 40],
  area: 1000,
  iscrowd: 0,
  segmentation: [[10, 20, 40.5, 20, 40.5, 60, 10, 60]],
  ...change,
});
const runs = { size: [80, 100], counts: [800, 100, 7100] };

/** Images: 30 with all kinds of objects, 20 empty, 10 high, 40 too small, 50 with only a crowd. */
const CONTENT = {
  annotations: [
    object(5, 10, { category_id: 2 }),
    object(1, 30),
    object(2, 30, { iscrowd: 1, segmentation: runs }),
    object(3, 30, { ignore: 1 }),
    object(4, 30, { bbox: [200, 10, 30, 40] }),
    object(6, 30, { area: 0 }),
    object(7, 30, { bbox: [10, 20, 0.5, 40] }),
    object(8, 30, { category_id: 2, bbox: [-5, -5, 20, 20], segmentation: null }),
    object(9, 40),
    object(11, 50, { iscrowd: 1, segmentation: runs }),
  ],
  categories: [
    { id: 7, name: 'dog' },
    { id: 2, name: 'cat' },
    { id: 9, name: 'bird' },
  ],
  images: [image(30), image(20), image(10, 80, 100), image(40, 31, 80), image(50)],
};

beforeEach(() => write(CONTENT));

function write(content: unknown): void {
  writeFileSync(annotations, JSON.stringify(content));
}

test('classes are numbered by ascending category id, or as named', () => {
  expect(createClassMap(CONTENT.categories)).toEqual({
    names: ['cat', 'dog', 'bird'],
    categoryIds: [2, 7, 9],
  });
  expect(createClassMap(CONTENT.categories, ['bird', 'cat'])).toEqual({
    names: ['bird', 'cat'],
    categoryIds: [9, 2],
  });
  expect(() => createClassMap(CONTENT.categories, ['cow'])).toThrow(
    'classes: expected names of categories (dog, cat, bird), got "cow"',
  );
  expect(() => createClassMap(CONTENT.categories, ['cat', 'cat'])).toThrow('got "cat" again');
  expect(() => createClassMap([])).toThrow(ConfigError);
  // An id that occurs twice is an error of the file, which the check reports; it is still one class.
  expect(createClassMap([...CONTENT.categories, CONTENT.categories[0]])).toEqual(
    createClassMap(CONTENT.categories),
  );
  const twins = [...CONTENT.categories, { id: 11, name: 'cat' }];
  expect(() => createClassMap(twins, ['cat'])).toThrow('got "cat" of 2 (ids 2, 11)');
});

test('training selects what the original pipeline selects, and separates crowds', async () => {
  const samples = trainingSamples(await loadCoco({ annotations, ...NO_FILES }));
  // 20 has no annotation and 40 is too narrow; 50 has only a crowd and stays.
  expect(Array.from({ length: samples.length }, (_, i) => samples.at(i).imageId)).toEqual([
    30, 10, 50,
  ]);
  expect([...samples.aspectGroups]).toEqual([1, 0, 1]);
  const { objects, ignored, file, width, height } = samples.at(0);
  expect({ file, width, height }).toEqual({ file: join(images, '30.jpg'), width: 100, height: 80 });
  expect([...objects.ids]).toEqual([1, 8]);
  expect([...objects.boxes]).toEqual([10, 20, 40.5, 60, -5, -5, 15, 15]);
  expect([...objects.classIndices]).toEqual([1, 0]);
  expect(objects.segmentations).toEqual([
    { kind: 'polygons', polygons: [Float64Array.of(10, 20, 40.5, 20, 40.5, 60, 10, 60)] },
    { kind: 'none' },
  ]);
  expect([...ignored.ids]).toEqual([2]);
  expect(ignored.segmentations).toEqual([
    { kind: 'rle', height: 80, width: 100, counts: Uint32Array.of(800, 100, 7100) },
  ]);
  expect(samples.at(2).objects.ids).toHaveLength(0);
});

/** The folder is needed for paths; the images themselves are not looked at in these tests. */
const NO_FILES = {
  get images(): string {
    for (const { id } of CONTENT.images) writeFileSync(join(images, `${String(id)}.jpg`), '');
    return images;
  },
};

test('evaluation takes every image in file order, and all annotations of its classes', async () => {
  const set = await loadCoco({ annotations, ...NO_FILES, classes: ['dog'] });
  expect(evaluationSamples(set).length).toBe(5);
  expect(trainingSamples(set).length).toBe(2);
  expect(groundTruthDomain(set)).toEqual({
    imageIds: Float64Array.of(30, 20, 10, 40, 50),
    imageHeights: Float64Array.of(80, 80, 100, 80, 80),
    imageWidths: Float64Array.of(100, 100, 80, 31, 100),
    categories: [{ id: 7, name: 'dog' }],
  });
  const groundTruth = [...groundTruthObjects(set, { masks: true })];
  expect(groundTruth.map(({ id }) => id)).toEqual([1, 2, 3, 4, 6, 7, 9, 11]);
  expect(groundTruth[1]).toMatchObject({
    imageId: 30,
    categoryId: 7,
    isCrowd: true,
    ignore: false,
  });
  expect(groundTruth.map(({ mask }) => (mask ? rleArea(mask) : -1))).toEqual([
    1240, 100, 1240, 1240, 1240, 1240, 840, 100,
  ]);
  expect([...groundTruthObjects(set, { masks: false })].some(({ mask }) => mask)).toBe(false);
});

test('samples fit the loader and the evaluator', async () => {
  const set = await loadCoco({ annotations, ...NO_FILES });
  const source: SampleSource<DetectionSample> = trainingSamples(set);
  expect(structuredClone(source.at(0))).toEqual(source.at(0));
  const builder = new CocoGroundTruthBuilder(groundTruthDomain(set));
  for (const object of groundTruthObjects(set, { masks: false })) builder.add(object);
  const groundTruth = builder.build();
  expect([...groundTruth.ids]).toEqual([5, 1, 2, 3, 4, 6, 7, 8, 9, 11]);
  expect([...groundTruth.isCrowd]).toEqual([0, 0, 1, 0, 0, 0, 0, 0, 0, 1]);
  expect([...groundTruth.boxes.subarray(0, 4)]).toEqual([10, 20, 30.5, 40]);
});

test('polygons of two points are left out of a mask, the others stay', async () => {
  const square = [10, 20, 40, 20, 40, 60, 10, 60];
  write({ ...CONTENT, annotations: [object(1, 30, { segmentation: [[1, 2, 3, 4], square] })] });
  const samples = trainingSamples(await loadCoco({ annotations, ...NO_FILES }));
  expect(samples.at(0).objects.segmentations).toEqual([
    { kind: 'polygons', polygons: [Float64Array.from(square)] },
  ]);
});

test('a limit takes the first images of the file', async () => {
  const set = await loadCoco({ annotations, limit: 2 });
  expect([...set.images.ids]).toEqual([30, 20]);
  expect([...groundTruthObjects(set, { masks: false })].map(({ id }) => id)).toEqual([
    1, 2, 3, 4, 6, 7, 8,
  ]);
  expect((await loadCoco({ annotations, limit: 99 })).images.ids).toHaveLength(5);
  await expect(loadCoco({ annotations, limit: 0 })).rejects.toThrow(
    'limit: expected a whole number',
  );
});

test('selected images keep their own annotations, in any order', async () => {
  const set = await loadCoco({ annotations });
  const picked = selectImages(selectImages(set, [2, 0, 4]), [0, 2]);
  expect([...picked.images.ids]).toEqual([10, 50]);
  expect(picked.images.fileNames).toEqual(['10.jpg', '50.jpg']);
  expect([...groundTruthObjects(picked, { masks: false })].map(({ id }) => id)).toEqual([5, 11]);
});

test('a split is a partition that depends on the seed and the ids, not on the order of the file', async () => {
  const set = await loadCoco({ annotations });
  const options = { valFraction: 0.4, seed: 1 };
  const { train, val } = splitCoco(set, options);
  expect([...train.images.ids, ...val.images.ids].sort()).toEqual([10, 20, 30, 40, 50]);
  expect(val.images.ids).toHaveLength(2);
  write({ ...CONTENT, images: CONTENT.images.toReversed() });
  const reversed = splitCoco(await loadCoco({ annotations }), options);
  expect([...reversed.val.images.ids].sort()).toEqual([...val.images.ids].sort());
  const seeds = Array.from({ length: 20 }, (_, seed) =>
    splitCoco(set, { ...options, seed }).val.images.ids.join(),
  );
  expect(new Set(seeds).size).toBeGreaterThan(3);
  expect(splitCoco(set, { ...options, valFraction: 0.01 }).val.images.ids).toHaveLength(1);
  expect(splitCoco(set, { ...options, valFraction: 0.99 }).train.images.ids).toHaveLength(1);
  expect(() => splitCoco(set, { ...options, valFraction: 1 })).toThrow(ConfigError);
  expect(() => splitCoco(selectImages(set, [0]), options)).toThrow('at least 2 images');
});

test('a set with errors is rejected, with file and id of the first one and the number of the others', async () => {
  write({ ...CONTENT, annotations: [object(1, 31), object(1, 30), object(2, 30, { bbox: [1] })] });
  const error = await loadCoco({ annotations }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DataError);
  expect(error).toMatchObject({ file: annotations, id: 2 });
  expect((error as DataError).message).toBe(
    `${annotations}: annotations[2] (id 2): bbox: expected a list of 4, got 1: [1] (and 2 more: \`convnextv2 data check\` lists them)`,
  );
});

test('a missing image file is an error before any work', async () => {
  write({ ...CONTENT, images: [...CONTENT.images, { ...image(60), file_name: 'x/60.jpg' }] });
  await expect(loadCoco({ annotations, ...NO_FILES })).rejects.toThrow(
    `images[5] (id 60): expected the file ${join(images, 'x/60.jpg')}, got none`,
  );
});

test('samples need an image folder, and training at least one image', async () => {
  const set = await loadCoco({ annotations });
  expect(() => evaluationSamples(set)).toThrow('expected an image folder beside it, got none');
  expect(() => trainingSamples(selectImages(set, [1]))).toThrow('got none among 1');
});

test('masks are restored exactly, for any coordinates', () => {
  const coordinate = fc.oneof(
    fc.integer({ min: 0, max: 70000 }).map((n) => n / 100),
    fc.double({ noNaN: true }),
    fc.constantFrom(-0, 0.005, 655.35, 655.36, 1e300),
  );
  const polygons = fc.array(fc.array(coordinate, { maxLength: 12 }), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(polygons, { maxLength: 6 }), (masks) => {
      const store = new MaskStore();
      masks.forEach((mask) => store.addPolygons(mask));
      store.addRle({ height: 2, width: 3, counts: Uint32Array.of(1, 2, 3) });
      store.addNone();
      expect(store.length).toBe(masks.length + 2);
      masks.forEach((mask, i) =>
        expect(store.get(i)).toEqual({
          kind: 'polygons',
          polygons: mask.map((polygon) => Float64Array.from(polygon)),
        }),
      );
      expect(store.get(masks.length)).toEqual({
        kind: 'rle',
        height: 2,
        width: 3,
        counts: Uint32Array.of(1, 2, 3),
      });
      expect(store.get(masks.length + 1)).toEqual({ kind: 'none' });
    }),
  );
});

test('a mask larger than a block of the store is restored, too', () => {
  const store = new MaskStore();
  const polygon = Array.from({ length: 3_000_000 }, (_, i) => (i % 60000) / 100);
  store.addPolygons([[1, 2, 3, 4, 5, 6]]);
  store.addPolygons([polygon]);
  store.addPolygons([[6, 5, 4, 3, 2, 1]]);
  const large = store.get(1);
  const [found] = large.kind === 'polygons' ? large.polygons : [];
  expect(found).toHaveLength(polygon.length);
  expect(polygon.every((value, i) => found[i] === value)).toBe(true);
  expect(store.get(2)).toEqual({ kind: 'polygons', polygons: [Float64Array.of(6, 5, 4, 3, 2, 1)] });
});

test('images of a rare class are repeated; crowds and objects that are skipped do not count', async () => {
  write({ ...CONTENT, annotations: CONTENT.annotations.filter((a) => a['category_id'] === 7) });
  const samples = trainingSamples(await loadCoco({ annotations, ...NO_FILES }), true, 1);
  const ids = Array.from({ length: samples.length }, (_, i) => samples.at(i).imageId);
  // A dog is in one of four images, so that image is seen √4 times.
  expect(ids).toEqual([30, 30, 20, 10, 50]);
  expect([...samples.aspectGroups]).toEqual([1, 1, 1, 0, 1]);
});

test('a hundred thousand categories are put in order in a moment', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => ({ id: i + 1, name: `c${i}` }));
  const names = many.map(({ name }) => name);
  expect(createClassMap(many).names).toHaveLength(100_000);
  expect(createClassMap(many, names).categoryIds.at(-1)).toBe(100_000);
  expect(() => createClassMap(many, ['c1', 'c1'])).toThrow('got "c1" again');
}, 5000);
