import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeRle, encodeRle, type Rle } from '../../core/rle.js';
import { compressMask, segmentResult, type ImageResult } from '../../core/results.js';
import { boxOf } from '../../io/coco/annotations.js';
import { rowsOf } from '../../datasets/coco/samples.js';
import { loadCoco } from '../../datasets/coco/set.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../datasets/layout/load.js';
import type { DetectionData } from '../../datasets/layout/types.js';
import type { ImageModel } from '../../inference/model.js';
import { LABEL_FORMATS, type LabelFormat } from '../../train/label-files.js';
import { predictFiles } from '../../train/predict-files.js';
import { dataFolder } from '../helpers/data-folder.js';

const folder = dataFolder();
const { image, at } = folder;
const CLASSES = ['cat', 'dog'];
const PIXELS = Uint8Array.from({ length: 64 * 48 }, (_, i) =>
  Number(i % 64 >= 10 && i % 64 < 30 && i >= 64 * 5 && i < 64 * 20),
);
const MASK = encodeRle(PIXELS, 48, 64);

const object = (
  classIndex: number,
  score: number,
  box: readonly [number, number, number, number],
) => ({
  classIndex,
  score,
  box,
  categoryId: 3 + classIndex,
  name: CLASSES[classIndex],
});
const DETECTED: ImageResult = {
  task: 'detect',
  width: 64,
  height: 48,
  objects: [
    object(1, 0.9, [1.23456, 2.5, 30, 40.125]),
    object(0, 0.5, [4, 4, 8, 8]),
    object(0, 0.1, [0, 0, 9, 9]),
  ],
};
const WITH_MASKS: ImageResult = {
  task: 'detect',
  width: 64,
  height: 48,
  objects: [{ ...object(1, 0.9, [10, 5, 20, 15]), mask: compressMask(MASK) }],
};

/** A model that always gives one result. */
function modelOf(result: ImageResult): ImageModel {
  const card = { classNames: CLASSES, categoryIds: [3, 4] };
  return {
    task: result.task,
    classNames: CLASSES,
    card,
    options: {},
    predict: () => Promise.resolve(result),
  } as unknown as ImageModel;
}

async function predicted(result: ImageResult, format: LabelFormat): Promise<void> {
  const files = [image('photos/a.png'), image('photos/b.png')];
  const notices: string[] = [];
  await predictFiles(modelOf(result), files, {
    out: at('out'),
    format,
    score: 0.3,
    onNotice: (line) => notices.push(line),
  });
  expect(notices.at(-1)).toContain(`${format} labels of objects from a score of 0.3`);
}

/** Boxes, classes and masks of the first image by our reader. */
async function readBack(format: LabelFormat) {
  const sources = {
    coco: { annotations: at('out/annotations.json') },
    cvat: { format: 'cvat', annotations: at('out/annotations.xml') },
    voc: { format: 'voc', annotations: at('out/Annotations') },
    yolo: { format: 'yolo', annotations: at('out/labels'), names: CLASSES },
  } as const;
  const set = await loadCoco({ ...sources[format as 'coco'], images: at('photos') });
  expect([...set.images.fileNames]).toEqual(['a.png', 'b.png']);
  return rowsOf(set, 0).map((row) => ({
    name: set.classes.names[set.classIndices[row]],
    box: boxOf(set, row),
    mask: set.annotations.masks.get(row),
  }));
}

test.each(['coco', 'cvat', 'voc', 'yolo'] as const)(
  '%s holds the boxes of objects above the score',
  async (format) => {
    await predicted(DETECTED, format);
    const found = await readBack(format);
    expect(found.map(({ name }) => name)).toEqual(['dog', 'cat']);
    [1.23456, 2.5, 30, 40.125].forEach((value, i) =>
      expect(Math.abs(found[0].box[i] - value)).toBeLessThan(0.01),
    );
    expect(existsSync(at('out/a.png'))).toBe(true);
    expect(existsSync(at('out/results.json'))).toBe(true);
  },
);

test.each(['coco', 'cvat'] as const)('%s holds masks bit for bit', async (format) => {
  await predicted(WITH_MASKS, format);
  const [{ mask }] = await readBack(format);
  expect([...decodeRle(mask as Rle)]).toEqual([...PIXELS]);
});

test('yolo holds outlines, and classes.txt makes it a set', async () => {
  await predicted(WITH_MASKS, 'yolo');
  const [{ mask }] = await readBack('yolo');
  const points = mask.kind === 'polygons' ? [...mask.polygons[0]] : [];
  expect(points.map((value) => Math.round(1000 * value) / 1000)).toEqual([
    30, 5, 30, 20, 10, 20, 10, 5,
  ]);
  expect(readFileSync(at('out/classes.txt'), 'utf8')).toBe('cat\ndog\n');
});

test('coco has scores, ids of its own and the category ids of the model', async () => {
  await predicted(DETECTED, 'coco');
  const document = JSON.parse(readFileSync(at('out/annotations.json'), 'utf8')) as {
    annotations: object[];
    categories: object[];
  };
  expect(document.annotations.map((a) => (a as { id: number }).id)).toEqual([1, 2, 3, 4]);
  expect(document.annotations[0]).toMatchObject({
    image_id: 1,
    category_id: 4,
    score: 0.9,
    iscrowd: 0,
  });
  expect(document.categories).toEqual([
    { id: 3, name: 'cat' },
    { id: 4, name: 'dog' },
  ]);
});

test('labelme names the image relative to its own file', async () => {
  await predicted(DETECTED, 'labelme');
  const file = JSON.parse(readFileSync(at('out/labelme/a.json'), 'utf8')) as {
    imagePath: string;
    shapes: { label: string }[];
  };
  expect(file.imagePath).toBe('../../photos/a.png');
  expect(file.shapes.map(({ label }) => label)).toEqual(['dog', 'cat']);
});

test('segmenters give a mask for every class', async () => {
  const labels = PIXELS.slice();
  await predicted(segmentResult({ width: 64, height: 48, labels, classNames: CLASSES }), 'cvat');
  const found = await readBack('cvat');
  expect(found.map(({ name }) => name)).toEqual(['cat', 'dog']);
  expect([...decodeRle(found[1].mask as Rle)]).toEqual([...PIXELS]);
});

test('classifiers fit LabelMe only, and files need a folder', async () => {
  const result: ImageResult = {
    task: 'classify',
    width: 64,
    height: 48,
    classes: [{ classIndex: 1, name: 'dog', probability: 1 }],
  };
  for (const format of LABEL_FORMATS.filter((name) => name !== 'labelme'))
    await expect(predicted(result, format)).rejects.toThrow(
      `--format ${format}: expected a detector or segmenter`,
    );
  const files = [image('photos/a.png')];
  await expect(
    predictFiles(modelOf(DETECTED), files, { format: 'coco', score: 0 }),
  ).rejects.toThrow('--format coco: expected --out DIR with it');
});

test('what was written for a tool is a set to train on', async () => {
  await predicted(DETECTED, 'voc');
  image('out/JPEGImages/a.png');
  image('out/JPEGImages/b.png');
  const data = (await detectLayout(at('out'), { layout: 'voc' })) as DetectionData;
  expect((await loadDetectionSplit(data, 'train')).classes.names).toEqual(['cat', 'dog']);
});
