import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../../core/errors.js';
import { loadDetectionSplit, loadSegmentationSplit } from '../../../datasets/layout/load.js';
import type { DetectionData, SegmentationData } from '../../../datasets/layout/types.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { needsRealData, REAL_DATA } from '../../helpers/leave-out.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layout-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | object = ''): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
  return full;
}

const coco = (...fileNames: string[]): object => ({
  categories: [{ id: 1, name: 'cat' }],
  annotations: [],
  images: fileNames.map((name, i) => ({ id: i + 1, file_name: name, width: 64, height: 64 })),
});

test('the COCO layout is detected with its image folders', async () => {
  const train = write('annotations/instances_train2017.json', coco('a.jpg'));
  const val = write('annotations/instances_val2017.json', coco('b.jpg'));
  write('annotations/captions_val2017.json', coco('b.jpg'));
  write('train2017/a.jpg');
  write('images/val2017/b.jpg');
  write('results/fake.json', '[]');
  const data = await detectLayout(root);
  expect(data).toEqual({
    kind: 'detection',
    layout: 'coco',
    root,
    splits: {
      train: { annotations: train, images: join(root, 'train2017') },
      val: { annotations: val, images: join(root, 'images/val2017') },
    },
    line: 'COCO layout: train annotations/instances_train2017.json (images in train2017), val annotations/instances_val2017.json (images in images/val2017)',
  });
});

test('images are searched by the first file name, and may be missing', async () => {
  write('annotations/instances_train.json', coco('train/a.jpg'));
  mkdirSync(join(root, 'images/train'), { recursive: true });
  write('train/a.jpg');
  expect(await detectLayout(root)).toMatchObject({ splits: { train: { images: root } } });
  rmSync(join(root, 'train'), { recursive: true });
  expect(await detectLayout(root)).toMatchObject({
    splits: { train: { images: join(root, 'images/train') } },
  });
  rmSync(join(root, 'images'), { recursive: true });
  const data = await detectLayout(root);
  expect(data).toMatchObject({ splits: { train: { images: undefined } } });
  expect(data.line).toContain('(no image folder found)');
});

test('two years of COCO are ambiguous, and the candidates are listed', async () => {
  for (const year of ['2014', '2017']) write(`annotations/instances_train${year}.json`, coco());
  const error = await detectLayout(root).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as Error).message).toContain('expected one data set, got 2: ');
  for (const year of ['2014', '2017'])
    expect((error as Error).message).toContain(`annotations/instances_train${year}.json`);
});

test('Roboflow exports are detected', async () => {
  for (const split of ['train', 'valid', 'test'])
    write(`${split}/_annotations.coco.json`, coco('a.jpg'));
  expect(await detectLayout(root)).toMatchObject({
    layout: 'roboflow',
    splits: {
      train: { images: join(root, 'train') },
      val: { annotations: join(root, 'valid/_annotations.coco.json') },
      test: { images: join(root, 'test') },
    },
  });
});

test('one COCO file is detected in a folder or by itself, and divided by fraction and seed', async () => {
  const images = Array.from({ length: 10 }, (_, i) => `${i}.jpg`);
  const file = write('export.json', coco(...images));
  write('other.json', { something: 'else' });
  write('broken.json', '{"images":');
  images.forEach((name) => write(`images/${name}`));
  const data = (await detectLayout(root, { valFraction: 0.3, seed: 4 })) as DetectionData;
  expect(data).toMatchObject({
    layout: 'file',
    splits: { train: { annotations: file, images: join(root, 'images') } },
    splitRule: { valFraction: 0.3, seed: 4 },
    line: 'COCO file: train export.json (images in images); 0.3 of the images for validation, seed 4',
  });
  expect((await loadDetectionSplit(data, 'train')).images.ids).toHaveLength(7);
  expect((await loadDetectionSplit(data, 'val')).images.ids).toHaveLength(3);
  expect((await loadDetectionSplit(data, 'val', { limit: 2 })).images.ids).toHaveLength(2);
  const whole = (await detectLayout(file)) as DetectionData;
  expect(whole).toMatchObject({ root: file, splits: { train: { annotations: file } } });
  expect((await loadDetectionSplit(whole, 'train')).images.ids).toHaveLength(10);
  await expect(loadDetectionSplit(whole, 'val')).rejects.toThrow(
    'expected a split "val", got train; give `valFraction`',
  );
});

test('several COCO files without a layout are rejected, or taken together by verbs that only look', async () => {
  write('a.json', coco());
  write('annotations/b.json', coco());
  await expect(detectLayout(root)).rejects.toThrow('expected one data set, got 2');
  const data = await detectLayout(root, { several: true });
  expect(Object.keys((data as DetectionData).splits)).toEqual(['a', 'annotations/b']);
});

test('the ADE20K layout is detected', async () => {
  for (const split of ['training', 'validation']) {
    write(`images/${split}/a.jpg`);
    write(`annotations/${split}/a.png`);
  }
  write('classes150.json', '[]');
  const data = (await detectLayout(root)) as SegmentationData;
  expect(data).toMatchObject({ kind: 'segmentation', layout: 'ade20k' });
  expect(data.line).toBe('ADE20K layout: train, val, 150 classes');
  expect((await loadSegmentationSplit(data, 'val')).mapping.reduceZeroLabel).toBe(true);
  await expect(loadSegmentationSplit(data, 'test')).rejects.toThrow('expected a split "test"');
});

test('images, labels and classes.txt are detected, divided or not', async () => {
  write('classes.txt', 'road\ngrass\n');
  for (const name of ['a', 'b', 'c', 'd']) {
    write(`images/${name}.jpg`);
    write(`labels/${name}.png`);
  }
  const whole = (await detectLayout(root, { valFraction: 0.5 })) as SegmentationData;
  expect(whole.splits).toEqual({
    train: {
      images: join(root, 'images'),
      labels: join(root, 'labels'),
      classes: ['road', 'grass'],
    },
  });
  expect((await loadSegmentationSplit(whole, 'val')).samples).toHaveLength(2);
  expect((await loadSegmentationSplit(whole, 'train', { limit: 1 })).samples).toHaveLength(1);
  await expect(loadSegmentationSplit(whole, 'train', { limit: 0 })).rejects.toThrow(ConfigError);
  for (const split of ['train', 'valid']) {
    write(`images/${split}/a.jpg`);
    write(`labels/${split}/a.png`);
  }
  const divided = (await detectLayout(root)) as SegmentationData;
  expect(Object.keys(divided.splits)).toEqual(['train', 'val']);
  await expect(detectLayout(root, { valFraction: 0.5 })).rejects.toThrow(
    '`valFraction`: expected a set without splits to divide',
  );
});

test('class folders and labeled images are detected as ImageNet', async () => {
  for (const split of ['train', 'val'])
    for (const wnid of ['n1', 'n2']) write(`${split}/${wnid}/a.jpg`);
  expect(await detectLayout(root)).toMatchObject({
    kind: 'classification',
    splits: ['train', 'val'],
    line: 'ImageNet layout: train, val',
  });
  rmSync(join(root, 'train'), { recursive: true });
  rmSync(join(root, 'val'), { recursive: true });
  write('images/a.jpg');
  write('labels.json', '[]');
  expect(await detectLayout(root)).toMatchObject({ kind: 'classification', splits: ['all'] });
});

test('a data.yaml names the splits, relative to itself', async () => {
  const train = write('x/train.json', coco('a.jpg'));
  write('x/val.json', coco());
  mkdirSync(join(root, 'pictures'));
  write('pictures/a.jpg');
  const yaml = write(
    'data.yaml',
    'train: {annotations: x/train.json, images: pictures}\nval: {annotations: x/val.json, images: pictures}\nclasses: [cat]\n',
  );
  for (const path of [root, yaml])
    expect(await detectLayout(path)).toMatchObject({
      layout: 'yaml',
      root: yaml,
      splits: { train: { annotations: train, images: join(root, 'pictures'), classes: ['cat'] } },
    });
});

test('a data.yaml can limit the images of a split; a smaller limit takes precedence', async () => {
  write('x/train.json', coco('a.jpg', 'b.jpg', 'c.jpg'));
  ['a', 'b', 'c'].forEach((name) => write(`pictures/${name}.jpg`));
  write('data.yaml', 'train: {annotations: x/train.json, images: pictures, limit: 2}\n');
  const data = (await detectLayout(root)) as DetectionData;
  const lengths = await Promise.all(
    [undefined, 1, 3].map(async (limit) => {
      const { images } = await loadDetectionSplit(data, 'train', { limit });
      return images.ids.length;
    }),
  );
  expect(lengths).toEqual([2, 1, 2]);
});

test('a data.yaml can name label folders, with classes in it or in a file', async () => {
  write('pictures/a.jpg');
  write('numbers/a.png');
  write('names.txt', 'road\ngrass\n');
  write(
    'data.yaml',
    'train: {images: pictures, labels: numbers}\nclasses: names.txt\nreduceZeroLabel: true\n',
  );
  const data = (await detectLayout(root)) as SegmentationData;
  expect(data).toMatchObject({ kind: 'segmentation', layout: 'yaml' });
  expect((await loadSegmentationSplit(data, 'train')).mapping).toEqual({
    numClasses: 2,
    reduceZeroLabel: true,
  });
});

test.each([
  ['train: [', 'expected YAML, got'],
  ['', 'expected an object, got null'],
  ['val: {images: pictures}', 'train: expected a value, got none'],
  ['train: {images: pictures}', 'train: expected annotations (detection) or labels (segmentation)'],
  ['train: {images: none, annotations: a.json}', 'train/annotations: expected a path that exists'],
  ['train: {images: none, annotations: x.json}', 'train/images: expected a path that exists'],
  [
    'train: {images: pictures, annotations: x.json, mask: 1}',
    'train/mask: expected one of annotations, labels, images, limit, list, got mask',
  ],
  [
    'train: {images: pictures, annotations: x.json, limit: 0}',
    'train/limit: expected a whole number from 1, got 0',
  ],
  [
    'train: {images: pictures, labels: pictures, limit: 1}\nclasses: [a]',
    'train/limit: expected annotations',
  ],
  ['train: {images: pictures, labels: pictures}', 'classes: expected the names of the classes'],
  [
    'train: {images: pictures, annotations: x.json}\nval: {images: pictures, labels: pictures}',
    'val: expected annotations as in train',
  ],
  [
    'train: {images: pictures, annotations: x.json}\nreduceZeroLabel: true',
    'reduceZeroLabel: expected label folders',
  ],
  [
    'train: {images: pictures, annotations: x.json}\nclasses: []',
    'classes: expected a list of at least 1, got 0: []',
  ],
  ['train: ../train/images\nnc: 3\nnames: [a]', 'nc: expected 1, the number of names, got 3'],
])('%j is rejected', async (content, message) => {
  mkdirSync(join(root, 'pictures'));
  write('x.json', coco());
  const file = write('data.yaml', content);
  await expect(detectLayout(file)).rejects.toThrow(DataError);
  await expect(detectLayout(file)).rejects.toThrow(message);
});

test('any text as data.yaml is detected or rejected with a DataError', async () => {
  const file = join(root, 'data.yaml');
  const word = fc.constantFrom(
    'train:',
    'val:',
    '{',
    '}',
    '[',
    'images:',
    'annotations: x.json',
    ',',
    '\n',
    '  ',
    '- ',
    '&a',
    '*a',
    '!!js',
    '|',
    '"',
    '#',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join(' ')),
        fc.jsonValue().map((value) => JSON.stringify(value)),
      ),
      async (text) => {
        writeFileSync(file, text);
        await expect(detectLayout(file)).rejects.toThrow(DataError);
      },
    ),
    { numRuns: 200 },
  );
});

test('a YOLO data.yaml next to a COCO file is no obstacle', async () => {
  write('data.yaml', 'train: train/images\nnames: [a]\n');
  write('export.json', coco());
  expect(await detectLayout(root)).toMatchObject({ layout: 'file' });
});

test('if nothing matches, the message lists the supported layouts', async () => {
  write('readme.txt');
  const error = await detectLayout(root).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DataError);
  for (const layout of ['COCO', 'Roboflow', 'ADE20K', 'classes.txt', 'ImageNet', 'data.yaml'])
    expect((error as Error).message).toContain(layout);
  await expect(detectLayout(join(root, 'readme.txt'))).rejects.toThrow('got another file');
  await expect(detectLayout(join(root, 'none'))).rejects.toThrow('got nothing there');
  await expect(detectLayout(write('x.json', '{'))).rejects.toThrow(DataError);
});

test('invalid fractions are rejected', async () => {
  write('export.json', coco());
  for (const valFraction of [0, 1, NaN, -1])
    await expect(detectLayout(root, { valFraction })).rejects.toThrow(ConfigError);
});

describe('real sets', () => {
  needsRealData('coco-mini');

  test('the real sets are detected', async () => {
    const lines = await Promise.all(
      ['coco-mini', 'ade20k-mini', 'imagenet-mini'].map(
        async (name) => (await detectLayout(join(REAL_DATA, name))).line,
      ),
    );
    expect(lines).toEqual([
      'COCO layout: train annotations/instances_train2017.json (images in train2017), val annotations/instances_val2017.json (images in val2017)',
      'ADE20K layout: train, val, 150 classes',
      'ImageNet layout: all',
    ]);
    await expect(detectLayout(join(REAL_DATA, 'coco-annotations-only'))).rejects.toThrow('got 2: ');
  });
});
