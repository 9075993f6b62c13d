import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { loadCoco } from '../../../datasets/coco/set.js';
import { evaluateDetector } from '../../../train/detect/evaluate.js';
import { detectorInput, inputSizes } from '../../../inference/detect/preprocess.js';
import type { RgbImage } from '../../../core/image.js';
import { detectorOf } from './detector-of.js';
import { orderBySize } from '../../../train/detect/order-by-size.js';

const LIMITS = { long: 1333, short: 800 };
const random = new Random(0);
const side = (): number => 1 + random.integer(700);
const sizes = Array.from({ length: 400 }, () => ({ width: side(), height: side() }));
const areaOf = ({ width, height }: { readonly width: number; readonly height: number }): number =>
  width * height;

test('takes every image once, the largest first, those of one canvas in a row', () => {
  const order = orderBySize(sizes, LIMITS);
  expect([...order].sort((a, b) => a - b)).toEqual([...sizes.keys()]);
  const canvases = order.map((i) => inputSizes(sizes[i], LIMITS).canvas);
  const areas = canvases.map(areaOf);
  expect(areas).toEqual([...areas].sort((a, b) => b - a));
  const names = canvases.map(({ width, height }) => `${width}x${height}`);
  const changes = names.filter((name, i) => name !== names[i - 1]).length;
  expect(changes).toBe(new Set(names).size);
  expect(changes).toBeLessThan(sizes.length / 2);
});

test('takes images of one size in a row too, since larger views of them differ, and in their order', () => {
  const [a, b] = [
    { width: 640, height: 480 },
    { width: 639, height: 480 },
  ];
  expect(inputSizes(a, LIMITS).canvas).toEqual(inputSizes(b, LIMITS).canvas);
  expect(orderBySize([b, a, b, a], LIMITS)).toEqual([1, 3, 0, 2]);
  expect(orderBySize([], LIMITS)).toEqual([]);
});

test('goes by the size of the view: a small square may become larger than a wide image', () => {
  expect(orderBySize([{ width: 2000, height: 400 }, { width: 100, height: 100 }], LIMITS)).toEqual([1, 0]); // prettier-ignore
});

// Worked out by hand: the factor is min(1333 / long side, 800 / short side), sides are rounded and filled up to multiples of 32.
test.each([
  [640, 480, 1067, 800, 1088, 800],
  [480, 640, 800, 1067, 800, 1088],
  [2000, 400, 1333, 267, 1344, 288],
  [1, 700, 2, 1333, 32, 1344],
  [5000, 1, 1333, 1, 1344, 32],
  [800, 800, 800, 800, 800, 800],
])('%d×%d becomes %d×%d on a canvas of %d×%d', (width, height, w, h, canvasWidth, canvasHeight) => {
  const image: RgbImage = { width, height, data: new Uint8Array(width * height * 3) };
  const size = { width: w, height: h };
  const canvas = { width: canvasWidth, height: canvasHeight };
  expect(inputSizes(image, LIMITS)).toEqual({ size, canvas });
  const view = detectorInput(image, {
    limits: LIMITS,
    pixels: { mean: [0, 0, 0], std: [1, 1, 1] },
  });
  expect(view.shape).toEqual([1, canvasHeight, canvasWidth, 3]);
  expect(view.imageSize).toEqual(size);
});

test('an evaluation follows it and scores each image by its own annotations', async () => {
  const root = mkdtempSync(join(tmpdir(), 'convnextv2-order-by-size-'));
  const images = [
    [40, 30],
    [90, 60],
    [30, 40],
    [40, 30],
    [1, 80],
  ].map(([width, height], i) => ({ id: 10 - i, file_name: `${i}.png`, width, height }));
  for (const { file_name, width, height } of images)
    writeFileSync(join(root, file_name), PNG.sync.write(new PNG({ width, height }), { colorType: 2 })); // prettier-ignore
  const annotations = images.map(({ id, width, height }, i) => ({
    id: i + 1,
    image_id: id,
    category_id: 1,
    bbox: [0, 0, width, height / 2],
    area: (width * height) / 2,
    iscrowd: 0,
  }));
  const file = join(root, 'val.json');
  writeFileSync(
    file,
    JSON.stringify({ images, annotations, categories: [{ id: 1, name: 'upper half' }] }),
  );
  const set = await loadCoco({ annotations: file, images: root });
  const detect: Parameters<typeof detectorOf>[0] = ({ width, height }) => [
    { classIndex: 0, categoryId: 1, name: '', score: 0.5, box: [0, 0, width, height / 2] },
  ];
  const model = detectorOf(detect, {
    classNames: ['upper half'],
    limits: { long: 100, short: 60 },
  });
  const seen: number[] = [];
  const { bbox, numImages } = await evaluateDetector(model, set, {
    onResult: ({ imageId }) => void seen.push(imageId),
  });
  rmSync(root, { recursive: true, force: true });
  expect(numImages).toBe(5);
  expect(bbox.stats[0]).toBeCloseTo(1, 6);
  // Three become 96x64, then 64x96, then 32x128.
  expect(seen).toEqual([9, 10, 7, 8, 6]);
});
