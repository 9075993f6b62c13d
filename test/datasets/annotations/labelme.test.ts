import { expect, test } from 'vitest';
import { convertSet } from '../../../datasets/convert/convert.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { trainingSamples } from '../../../datasets/coco/samples.js';
import { rleArea, type Rle } from '../../../core/rle.js';
import { decodeImage } from '../../../io/image/decode.js';
import { encodeLabelPng, encodeRgbPng } from '../../../io/png/write.js';
import { decodeSample } from '../../../train/pipelines/detect.js';
import { boxesOf, dataFolder, tablesOf } from '../../helpers/data-folder.js';

const data = dataFolder();
const rectangle = (label: string, x1: number, y1: number, x2: number, y2: number): object => ({
  label,
  points: [
    [x2, y2],
    [x1, y1],
  ],
  group_id: null,
  shape_type: 'rectangle',
});
const polygon = (
  label: string,
  points: readonly number[][],
  group: number | null = null,
): object => ({
  label,
  points,
  group_id: group,
  shape_type: 'polygon',
});
const file = (path: string, shapes: readonly object[], fields: object = {}): string =>
  data.write(path, {
    version: '5.5.0',
    flags: {},
    shapes,
    imagePath: 'a.png',
    imageData: null,
    ...fields,
  });
const TRIANGLE = [
  [10, 10],
  [30, 10],
  [10, 30],
];

test('files beside the images are read, and rectangles alone are boxes', async () => {
  data.image('a.png');
  file('a.json', [rectangle('nut', 4, 5, 20, 30), rectangle('bolt', 1, 2, 60, 40)]);
  data.image('sub/b.png');
  file('sub/b.json', [], { imagePath: 'b.png' });
  data.image('c.png');
  const layout = await detectLayout(data.root);
  expect(layout.line).toBe('LabelMe boxes: train 2, 2 classes');
  const { tables, lines } = await tablesOf((layout as DetectionData).splits['train']);
  expect(tables.images.fileNames).toEqual(['a.png', 'sub/b.png']);
  expect(tables.categories.map(({ name }) => name)).toEqual(['bolt', 'nut']);
  expect(boxesOf(tables, 'a.png')).toEqual([
    [4, 5, 16, 25],
    [1, 2, 59, 38],
  ]);
  expect(tables.annotations.masks.get(0)).toEqual({ kind: 'none' });
  expect(lines).toEqual(['imageUnlabeled c.png: expected a LabelMe file of its name, got none']);
});

test('parts of a group are one object, circles and masks have an area, points are noted', async () => {
  data.image('a.png');
  const mask = Buffer.from(
    encodeLabelPng({ width: 3, height: 2, data: Uint8Array.of(1, 0, 1, 1, 1, 1) }),
  );
  file('a.json', [
    polygon('nut', TRIANGLE, 7),
    polygon(
      'nut',
      [
        [40, 10],
        [50, 10],
        [50, 20],
      ],
      7,
    ),
    polygon('bolt', TRIANGLE, 7),
    {
      label: 'bolt',
      points: [
        [30, 30],
        [30, 25],
      ],
      shape_type: 'circle',
    },
    {
      label: 'bolt',
      points: [
        [5, 6],
        [7, 7],
      ],
      shape_type: 'mask',
      mask: mask.toString('base64'),
    },
    rectangle('nut', 1, 1, 5, 5),
    {
      label: 'nut',
      points: [
        [1, 1],
        [2, 2],
      ],
      shape_type: 'line',
    },
  ]);
  const { tables, lines } = await tablesOf({ format: 'labelme', annotations: data.root });
  expect(boxesOf(tables, 'a.png')).toEqual([
    [10, 10, 40, 20],
    [10, 10, 20, 20],
    [25, 25, 10, 10],
    [5, 6, 3, 2],
    [1, 1, 4, 4],
  ]);
  expect([...tables.annotations.areas].map(Math.round)).toEqual([250, 200, 78, 5, 16]);
  const { masks } = tables.annotations;
  expect(masks.describe(0)).toEqual({ kind: 'polygons', parts: 2 });
  expect(rleArea(masks.get(3) as Rle)).toBe(5);
  // Beside polygons a rectangle is a mask, too.
  expect(masks.describe(4)).toEqual({ kind: 'polygons', parts: 1 });
  expect(lines).toEqual([
    'shapeIgnored a.json: shapes[6]: "nut": expected a shape with an area, got a line',
  ]);
});

test('parts with a mask are joined', async () => {
  data.image('a.png');
  const mask = Buffer.from(
    encodeLabelPng({ width: 2, height: 1, data: Uint8Array.of(1, 1) }),
  ).toString('base64');
  file('a.json', [
    {
      label: 'bolt',
      points: [
        [5, 6],
        [6, 6],
      ],
      shape_type: 'mask',
      mask,
      group_id: 1,
    },
    { ...rectangle('bolt', 20, 20, 30, 24), group_id: 1 },
  ]);
  const { tables } = await tablesOf({ format: 'labelme', annotations: data.root });
  expect(boxesOf(tables, 'a.png')).toEqual([[5, 6, 25, 18]]);
  expect(tables.annotations.areas[0]).toBe(2 + 40);
});

test.each([
  ['..\\pictures\\a.png', 'pictures/a.png'],
  ['a.png', 'labels/a.png'],
  ['C:\\Users\\me\\a.png', 'pictures/a.png'],
  ['renamed.png', 'pictures/a.png'],
])('imagePath %s leads to %s', async (imagePath, path) => {
  data.image(path);
  file('labels/a.json', [rectangle('nut', 1, 1, 9, 9)], { imagePath });
  const { tables, issues } = await tablesOf({
    format: 'labelme',
    annotations: data.at('labels'),
    images: data.root,
  });
  expect(tables.images.fileNames).toEqual([path]);
  expect(issues).toEqual([]);
});

test('parts in folders have the same classes, and train and val are not mixed up', async () => {
  for (const split of ['train', 'val']) {
    data.image(`images/${split}/a.png`, split === 'train' ? 64 : 80);
    file(`labels/${split}/a.json`, [rectangle(split === 'train' ? 'nut' : 'bolt', 1, 1, 9, 9)]);
  }
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.line).toBe('LabelMe boxes: train 1, val 1, 2 classes');
  const val = await loadDetectionSplit(layout, 'val');
  expect(val.classes.names).toEqual(['bolt', 'nut']);
  expect(trainingSamples(val).at(0)).toMatchObject({
    width: 80,
    file: data.at('images/val/a.png'),
  });
});

test('an embedded image is used where the file is absent', async () => {
  const pixels = Uint8Array.from({ length: 64 * 48 * 3 }, (_, i) => i % 251);
  const png = Buffer.from(encodeRgbPng({ width: 64, height: 48, data: pixels }));
  file('a.json', [rectangle('nut', 1, 1, 40, 40)], { imageData: png.toString('base64') });
  file('b.json', [rectangle('nut', 1, 1, 40, 40)], { imagePath: 'b.png' });
  const { lines } = await tablesOf({ format: 'labelme', annotations: data.root });
  expect(lines).toEqual(['imageMissing b.json: expected its image b.png, got none']);
  data.image('b.png');
  const set = await loadDetectionSplit((await detectLayout(data.root)) as DetectionData, 'train');
  const image = await decodeSample(trainingSamples(set).at(0));
  expect(image.width).toBe(64);
  expect([...image.data.subarray(0, 300)]).toEqual([...pixels.subarray(0, 300)]);
  const layout = (await detectLayout(data.root)) as DetectionData;
  await convertSet(layout, data.at('converted'), { to: 'yolo', images: 'link' });
  const written = await decodeImage(data.at('converted/images/train/a.png'));
  expect([...written.data.subarray(0, 300)]).toEqual([...pixels.subarray(0, 300)]);
});

test('files that are broken are named, and the others are read', async () => {
  data.image('a.png');
  data.image('b.png');
  file('a.json', [rectangle('nut', 1, 1, 9, 9)]);
  data.write('b.json', '{"shapes": [{"label": "x"}], "imagePath": "b.png"}');
  data.write('c.json', '{');
  const { tables, lines } = await tablesOf({ format: 'labelme', annotations: data.root });
  expect(tables.images.fileNames).toEqual(['a.png']);
  expect(lines.slice(0, 2)).toEqual([
    'schema b.json: shapes/0/points: expected a value, got none',
    expect.stringMatching(/^schema c\.json: expected a LabelMe file as JSON, got /),
  ]);
});

test('other JSON beside the files is left out with a note', async () => {
  data.image('a.png');
  file('a.json', [rectangle('nut', 1, 1, 9, 9)]);
  data.write('settings.json', { editor: { tabSize: 2 } });
  const layout = (await detectLayout(data.root)) as DetectionData;
  const { tables, lines } = await tablesOf(layout.splits['train']);
  expect(tables.images.fileNames).toEqual(['a.png']);
  expect(lines).toEqual(['fileOther settings.json: expected a LabelMe file, got other JSON']);
  // With an image of its name it is meant to be one.
  data.image('settings.png');
  expect((await tablesOf(layout.splits['train'])).lines[0]).toMatch(
    /^schema settings\.json: shapes/,
  );
});
