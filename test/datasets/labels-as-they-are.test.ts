import sharp from 'sharp';
import { expect, test } from 'vitest';
import { checkData, type DataReport } from '../../datasets/check.js';
import { VOC_CLASSES, vocColor } from '../../datasets/classes/voc.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { loadSegmentationSplit } from '../../datasets/layout/load.js';
import type { LayoutOptions, SegmentationData } from '../../datasets/layout/types.js';
import { loadPair } from '../../datasets/segmentation-pair.js';
import { encodeIndexedPng } from '../../io/png/indexed.js';
import { encodeLabelPng, encodeRgbPng } from '../../io/png/write.js';
import { dataFolder } from '../helpers/data-folder.js';
import { buildPng } from '../helpers/png.js';

const data = dataFolder();
const [width, height] = [4, 2];
const png = (...labels: readonly number[]): Uint8Array =>
  encodeLabelPng({ width, height, data: Uint8Array.from(labels) });
const rgbPng = (...colors: readonly (readonly number[])[]): Uint8Array =>
  encodeRgbPng({ width, height, data: Uint8Array.from(colors.flat()) });

async function detected(options: LayoutOptions = {}): Promise<SegmentationData> {
  return (await detectLayout(data.root, { kind: 'segmentation', ...options })) as SegmentationData;
}

/** Labels of the first pair of a part, and the names of the classes. */
async function labelsOf(
  layout: SegmentationData,
  split: 'train' | 'val' = 'train',
): Promise<{ readonly classes: readonly string[]; readonly labels: readonly number[] }> {
  const { splitRule: _, ...whole } = layout;
  const set = await loadSegmentationSplit(whole, split);
  const { labels } = await loadPair(set.samples[0], set.mapping);
  return { classes: set.classes, labels: [...labels.data] };
}

const linesOf = ({ splits }: DataReport): readonly string[] =>
  splits.flatMap(({ findings }) =>
    findings.flatMap(({ severity, code, examples }) =>
      examples.map(({ message }) => `${severity} ${code}: ${message}`),
    ),
  );

test('a list of classes beside folders of ADE20K’s names wins over ADE20K', async () => {
  for (const split of ['training', 'validation']) {
    data.image(`images/${split}/a.png`, width, height);
    data.write(`annotations/${split}/a.png`, png(0, 1, 2, 0, 0, 1, 2, 255));
  }
  const ade = await detected();
  expect(ade.line).toBe('ADE20K layout: train, val, 150 classes');
  data.write('classes.txt', 'background\nsquare\ndisc\n');
  const layout = await detected();
  expect(layout.line).toBe('images, labels and classes.txt: train, val, 3 classes');
  expect(await labelsOf(layout, 'val')).toEqual({
    classes: ['background', 'square', 'disc'],
    labels: [0, 1, 2, 0, 0, 1, 2, 255],
  });
});

test('classes that are given need no classes.txt, and folders may have other names', async () => {
  data.image('imgs/sub/a.png', width, height);
  data.write('Masks/sub/a_mask.png', png(0, 1, 1, 0, 0, 0, 0, 1));
  const layout = await detected({ classes: ['ground', 'tree'] });
  expect(layout.line).toContain('images, labels and classes as given: train, 2 classes');
  expect((await labelsOf(layout)).labels).toEqual([0, 1, 1, 0, 0, 0, 0, 1]);
});

test('masks of 0 and 255 alone are objects on a background; with two classes an error says what to do', async () => {
  data.image('images/a.png', width, height);
  data.write('masks/a.png', png(0, 255, 255, 0, 0, 0, 0, 0));
  expect(await labelsOf(await detected())).toEqual({
    classes: ['background', 'object'],
    labels: [0, 1, 1, 0, 0, 0, 0, 0],
  });
  data.write('classes.txt', 'background\nsquare\n');
  const report = await checkData(await detected(), { images: 'headers', maxExamples: 9 });
  expect(linesOf(report).join('\n')).toMatch(
    /error untrainable: .+25\.0 % of the pixels are 255, which does not count; if 255 is the object, write 1/,
  );
  expect(linesOf(report).join('\n')).toContain(
    'class "square" has no pixel, but 25.0 % of the pixels are 255, which does not count; if 255 is the object, write 1',
  );
  data.write(
    'data.yaml',
    'train: {images: images, labels: masks}\nvalues: {background: 0, square: 255}\n',
  );
  expect(await labelsOf(await detected())).toEqual({
    classes: ['background', 'square'],
    labels: [0, 1, 1, 0, 0, 0, 0, 0],
  });
});

test('VOC: palette index is the class, 255 is ignored, lists name the parts', async () => {
  const palette = Uint8Array.from({ length: 256 }, (_, k) => k).reduce<number[]>(
    (all, k) => [...all, ...vocColor(k)],
    [],
  );
  for (const name of ['2007_000032', '2007_000033', '2007_000039']) {
    data.image(`JPEGImages/${name}.png`, width, height);
    const labels = Uint8Array.of(0, 0, 15, 15, 1, 1, 255, 255);
    const map = encodeIndexedPng({ width, height, data: labels }, Uint8Array.from(palette));
    if (name !== '2007_000039') data.write(`SegmentationClass/${name}.png`, map);
  }
  data.write('ImageSets/Segmentation/train.txt', '2007_000032\n');
  data.write('ImageSets/Segmentation/val.txt', '2007_000033\r\n\r\n');
  const layout = await detected();
  expect(layout.line).toBe('VOC labels: train, val, 21 classes');
  expect(await labelsOf(layout, 'val')).toEqual({
    classes: VOC_CLASSES,
    labels: [0, 0, 15, 15, 1, 1, 255, 255],
  });
  data.write('ImageSets/Segmentation/val.txt', '2007_000039\n');
  await expect(loadSegmentationSplit(await detected(), 'val')).rejects.toThrow(
    /expected a label in .+SegmentationClass for every image .+2007_000039\.png/,
  );
});

test('VOC’s colors', () => {
  expect([0, 1, 2, 15, 20].map(vocColor)).toEqual([
    [0, 0, 0],
    [128, 0, 0],
    [0, 128, 0],
    [192, 128, 128],
    [0, 64, 128],
  ]);
  expect(vocColor(255)).toEqual([224, 224, 192]);
});

test('labels in VOC’s colors and in those of CVAT’s labelmap.txt', async () => {
  data.image('JPEGImages/a.png', width, height);
  const [black, red, border] = [
    [0, 0, 0],
    [128, 0, 0],
    [224, 224, 192],
  ];
  data.write('SegmentationClass/a.png', rgbPng(black, red, red, black, border, black, red, red));
  data.write('class_names.txt', '__ignore__\n_background_\nnut\n');
  expect(await labelsOf(await detected())).toEqual({
    classes: ['_background_', 'nut'],
    labels: [0, 1, 1, 0, 255, 0, 1, 1],
  });
  data.write(
    'labelmap.txt',
    '# label:color_rgb:parts:actions\nbackground:0,0,0::\nbolt:128,0,0::\nx:224,224,192::\n',
  );
  expect(await labelsOf(await detected())).toEqual({
    classes: ['background', 'bolt', 'x'],
    labels: [0, 1, 1, 0, 2, 0, 1, 1],
  });
});

test('colors of data.yaml; without them the message lists those of the file', async () => {
  data.image('img/a.png', width, height);
  const [road, car] = [
    [10, 20, 30],
    [40, 50, 60],
  ];
  data.write('gt/a.png', rgbPng(road, car, [1, 1, 1], road, road, car, car, car));
  const yaml = (lines: string): void => {
    data.write('data.yaml', `train: {images: img, labels: gt}\n${lines}`);
  };
  yaml('colors: {road: [10, 20, 30], car: [40, 50, 60], ignore: [1, 1, 1]}\n');
  expect(await labelsOf(await detected())).toEqual({
    classes: ['road', 'car'],
    labels: [0, 1, 255, 0, 0, 1, 1, 1],
  });
  yaml('colors: {road: [10, 20, 30], car: [40, 50, 60]}\n');
  await expect(labelsOf(await detected())).rejects.toThrow(
    'gt/a.png: expected one of the 2 colors of the classes, got [1, 1, 1] at pixel (2, 0)',
  );
  yaml('classes: [road, car]\n');
  await expect(labelsOf(await detected())).rejects.toThrow(
    'got colors: [10, 20, 30], [40, 50, 60], [1, 1, 1]; write in data.yaml which class each one is: colors: {NAME: [R, G, B], …}',
  );
  yaml('classes: [road, car]\ncolors: {road: [1, 2, 3]}\n');
  await expect(detected()).rejects.toThrow(
    'colors: expected one of every class (road, car), got road',
  );
  yaml('values: {road: 1}\ncolors: {road: [1, 2, 3]}\n');
  await expect(detected()).rejects.toThrow('expected values or colors of the classes, got both');
  yaml('classes: [road]\nrange: [5, 5]\n');
  await expect(detected()).rejects.toThrow('range: expected [lowest, highest], got [5, 5]');
});

test('labels of 1, 2, 4 and 16 bits, and gray saved in three channels', async () => {
  data.write('classes.txt', 'a\nb\n');
  const packed: readonly (readonly [number, Uint8Array])[] = [
    [1, Uint8Array.of(0, 0b01100000, 0, 0b00010000)],
    [2, Uint8Array.of(0, 0b00010100, 0, 0b00000001)],
    [4, Uint8Array.of(0, 0x01, 0x10, 0, 0x00, 0x01)],
    [16, Uint8Array.of(0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
  ];
  for (const [bitDepth, rows] of packed) {
    data.image('images/a.png', width, height);
    data.write('labels/a.png', buildPng({ width, height, bitDepth, colorType: 0, rows }));
    expect((await labelsOf(await detected())).labels, String(bitDepth)).toEqual([
      0, 1, 1, 0, 0, 0, 0, 1,
    ]);
  }
  const [zero, one] = [
    [0, 0, 0],
    [1, 1, 1],
  ];
  data.write('labels/a.png', rgbPng(zero, one, one, zero, zero, zero, zero, one));
  expect((await labelsOf(await detected())).labels).toEqual([0, 1, 1, 0, 0, 0, 0, 1]);
});

test('polygons of LabelMe and COCO are drawn in order, later ones on top', async () => {
  const polygon = (label: string, x: number): object => ({
    label,
    points: [
      [x, 0],
      [x + 3, 0],
      [x + 3, 2],
      [x, 2],
    ],
    shape_type: 'polygon',
  });
  data.image('a.png', 8, 3);
  const shapes = [
    polygon('nut', 0),
    polygon('bolt', 2),
    polygon('_background_', 4),
    polygon('__ignore__', 6),
  ];
  data.write('a.json', {
    shapes,
    imagePath: 'a.png',
    imageData: null,
    imageHeight: 3,
    imageWidth: 8,
  });
  const layout = await detected();
  expect(layout.line).toContain('; drawn as labels on the background, 3 classes');
  const row = [2, 2, 1, 1, 0, 0, 255, 255];
  expect(await labelsOf(layout)).toEqual({
    classes: ['background', 'bolt', 'nut'],
    labels: [...row, ...row, ...row.map(() => 0)],
  });
  const box = { image_id: 1, bbox: [0, 0, 3, 2], area: 6, iscrowd: 0 };
  data.write('coco/images/a.png', rgbPng(...Array.from({ length: 8 }, () => [0, 0, 0])));
  data.write('coco/a.json', {
    images: [{ id: 1, file_name: 'a.png', width: 4, height: 2 }],
    categories: [
      { id: 7, name: 'nut' },
      { id: 3, name: 'bolt' },
    ],
    annotations: [
      { ...box, id: 1, category_id: 7, segmentation: [[0, 0, 3, 0, 3, 2, 0, 2]] },
      { ...box, id: 2, category_id: 3, segmentation: { size: [2, 4], counts: [4, 3, 1] } },
    ],
  });
  const coco = (await detectLayout(data.at('coco'), { kind: 'segmentation' })) as SegmentationData;
  expect(await labelsOf(coco)).toEqual({
    classes: ['background', 'bolt', 'nut'],
    labels: [2, 2, 1, 1, 2, 2, 1, 0],
  });
});

test('boxes alone are no labels', async () => {
  data.image('a.png');
  const shapes = [
    {
      label: 'nut',
      points: [
        [1, 1],
        [9, 9],
      ],
      shape_type: 'rectangle',
    },
  ];
  data.write('a.json', { shapes, imagePath: 'a.png', imageData: null });
  await expect(loadSegmentationSplit(await detected(), 'train')).rejects.toThrow(
    'expected polygons or masks to draw as labels, got boxes alone',
  );
});

test('findings name the label files, and labels in a lossy format are told', async () => {
  data.image('images/a.png', width, height);
  data.write('labels/a.png', encodeLabelPng({ width: 2, height: 1, data: Uint8Array.of(0, 1) }));
  data.write('classes.txt', 'a\nb\n');
  const report = await checkData(await detected(), { images: 'headers', maxExamples: 9 });
  const [{ code, examples }] = report.splits[0].findings;
  expect([code, examples[0].file]).toEqual(['label-size', data.at('labels/a.png')]);
  data.image('jpg/images/a.png', width, height);
  const gray = sharp(new Uint8Array(8), { raw: { width, height, channels: 1 } });
  data.write('jpg/labels/a.jpg', await gray.jpeg().toBuffer());
  data.write('jpg/classes.txt', 'a\nb\n');
  const jpg = (await detectLayout(data.at('jpg'))) as SegmentationData;
  await expect(loadSegmentationSplit(jpg, 'train')).rejects.toThrow(
    'expected label PNGs, got none; 1 are JPEG or WebP, which change label values: save them as PNG',
  );
});

test('a data.yaml of settings alone concerns the layout of its folder', async () => {
  const values = Uint16Array.from({ length: 8 }, (_, i) => 100 * i);
  const gray = sharp(values, { raw: { width, height, channels: 1 } }).toColourspace('grey16');
  data.write('images/a.png', await gray.png().toBuffer());
  data.write('masks/a.png', png(0, 7, 0, 7, 0, 7, 0, 7));
  data.write('data.yaml', 'values: {ground: 0, tree: 7}\nrange: [0, 700]\n');
  const { splitRule: _, ...layout } = await detected();
  const set = await loadSegmentationSplit(layout, 'train');
  const { image, labels } = await loadPair(set.samples[0], set.mapping);
  expect(set.classes).toEqual(['ground', 'tree']);
  expect([...labels.data]).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  expect([...image.data].slice(-3)).toEqual([255, 255, 255]);
  data.write('data.yaml', 'range: [0, 700]\nclasses: [nut]\n');
  const objects = await detectLayout(data.root, { kind: 'detection' });
  expect(objects).toMatchObject({
    layout: 'masks',
    splits: { train: { names: ['nut'], range: [0, 700] } },
  });
  data.write('data.yaml', 'range: [7, 7]\n');
  await expect(detected()).rejects.toThrow(
    'data.yaml: range: expected [lowest, highest], got [7, 7]',
  );
});

test('a range scales images of 16 bits', async () => {
  const values = Uint16Array.from({ length: 8 }, (_, i) => 1000 + 100 * i);
  const gray = sharp(values, { raw: { width, height, channels: 1 } }).toColourspace('grey16');
  data.write('img/a.png', await gray.png().toBuffer());
  data.write('gt/a.png', png(0, 1, 0, 1, 0, 1, 0, 1));
  data.write(
    'data.yaml',
    'train: {images: img, labels: gt}\nclasses: [a, b]\nrange: [1000, 1700]\n',
  );
  const set = await loadSegmentationSplit(await detected(), 'train');
  const { image } = await loadPair(set.samples[0], set.mapping);
  expect([...image.data].filter((_, i) => i % 3 === 0)).toEqual([
    0, 36, 73, 109, 146, 182, 219, 255,
  ]);
  const report = await checkData(await detected(), { images: 'headers', maxExamples: 9 });
  expect(linesOf(report).join('\n')).toContain('note scaled-pixels');
});
