import sharp from 'sharp';
import { expect, test } from 'vitest';
import { readTables } from '../../datasets/annotations/read.js';
import { checkData } from '../../datasets/check.js';
import { divideSet } from '../../datasets/divide/divide.js';
import { readImageNet } from '../../datasets/imagenet.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { loadSegmentationSplit } from '../../datasets/layout/load.js';
import type { LayoutOptions } from '../../datasets/layout/types.js';
import { loadPair } from '../../datasets/segmentation-pair.js';
import { decodeImage } from '../../io/image/decode.js';
import { encodeLabelPng, encodeRgbPng } from '../../io/png/write.js';
import { boxesOf, dataFolder } from '../helpers/data-folder.js';

/*
 * Folders as tools and competitions give them, file by file.
 */
const data = dataFolder();
const { image, write } = data;
const [width, height] = [4, 2];
const LABELS = [0, 1, 1, 0, 0, 2, 2, 0];
const labels = (values: readonly number[] = LABELS): Uint8Array =>
  encodeLabelPng({ width, height, data: Uint8Array.from(values) });
const colors = (table: readonly (readonly number[])[]): Uint8Array =>
  encodeRgbPng({ width, height, data: Uint8Array.from(LABELS.flatMap((k) => table[k])) });

/** Boxes of an image of a part, and the line of the set. */
async function boxes(
  split: string,
  file: string,
): Promise<{ readonly line: string; readonly boxes: number[][]; readonly names: string[] }> {
  const layout = await detectLayout(data.root);
  if (layout.kind !== 'detection') throw new Error(layout.line);
  const tables = await readTables(layout.splits[split], ({ message }) => {
    throw new Error(message);
  });
  const { imageIds, categoryIds } = tables.annotations;
  const id = tables.images.ids[tables.images.fileNames.indexOf(file)];
  const names = [...categoryIds].flatMap((category, row) =>
    imageIds[row] === id ? [tables.categories[category - 1].name] : [],
  );
  return { line: layout.line, boxes: boxesOf(tables, file), names };
}

/** Labels of the first image of every part, and the line of the set. */
async function pixels(options: LayoutOptions = {}): Promise<readonly unknown[]> {
  const layout = await detectLayout(data.root, options);
  if (layout.kind !== 'segmentation') throw new Error(layout.line);
  const found: unknown[] = [layout.line];
  for (const split of Object.keys(layout.splits)) {
    const { samples, mapping } = await loadSegmentationSplit(layout, split as 'train');
    found.push([...(await loadPair(samples[0], mapping)).labels.data]);
  }
  return found;
}

test('Roboflow: masks beside images, with a table of their values', async () => {
  for (const part of ['train', 'valid']) {
    image(`${part}/a_jpg.rf.0123456789abcdef.jpg`, width, height);
    write(`${part}/a_jpg.rf.0123456789abcdef_mask.png`, labels());
    write(`${part}/_classes.csv`, 'Pixel Value, Class\n0, background\n1, cat\n2, dog\n');
  }
  const line = 'images, labels and a table of classes: train, val, 3 classes';
  expect(await pixels()).toEqual([line, LABELS, LABELS]);
});

test('Roboflow: one class an image in a table; several are refused by name', async () => {
  for (const part of ['train', 'valid']) {
    for (const name of ['a', 'b']) image(`${part}/${name}.jpg`);
    write(`${part}/_classes.csv`, 'filename, cat, dog, owl\na.jpg, 0, 1, 0\nb.jpg, 1, 0, 0\n');
  }
  const layout = await detectLayout(data.root);
  expect(layout.line).toBe('ImageNet layout: train, val');
  for (const split of ['train', 'val'] as const) {
    const { samples, classes } = readImageNet(data.root, { split });
    expect(classes.map(({ name }) => name)).toEqual(['cat', 'dog', 'owl']);
    expect(samples.map(({ classIndex }) => classIndex)).toEqual([1, 0]);
  }
  write('train/_classes.csv', 'filename, cat, dog, owl\na.jpg, 1, 1, 0\nb.jpg, 1, 0, 0\n');
  expect(() => readImageNet(data.root, { split: 'train' })).toThrow(
    'expected one class of a.jpg, got cat, dog; several classes an image are not learned',
  );
});

test('Kaggle: a list of classes beside the folder of the images', async () => {
  for (const name of ['00a', '00b']) image(`train/${name}.jpg`);
  write('labels.csv', 'id,breed\n00a,pug\n00b,beagle\n');
  expect((await detectLayout(data.root)).kind).toBe('classification');
  const { samples, classes } = readImageNet(data.root, { split: 'train' });
  expect(classes.map(({ name }) => name)).toEqual(['beagle', 'pug']);
  expect(samples.map(({ classIndex }) => classIndex)).toEqual([1, 0]);
});

test('Darknet as Roboflow exports it has its names in every part', async () => {
  for (const part of ['train', 'valid']) {
    image(`${part}/a.jpg`);
    write(`${part}/a.txt`, '1 0.5 0.5 0.25 0.5\n');
    write(`${part}/_darknet.labels`, 'cat\ndog\n');
  }
  const found = await boxes('val', 'a.jpg');
  expect(found).toEqual({
    line: 'YOLO boxes: train 1, val 1, 2 classes',
    names: ['dog'],
    boxes: [[24, 12, 16, 24]],
  });
});

test('CVAT as YOLO 1.1 has a folder for each subset', async () => {
  for (const part of ['train', 'valid']) {
    image(`obj_${part}_data/frame_0.jpg`);
    write(`obj_${part}_data/frame_0.txt`, '0 0.5 0.5 0.25 0.5\n');
    write(`${part}.txt`, `data/obj_${part}_data/frame_0.jpg\n`);
  }
  write('obj.names', 'cat\n');
  write('obj.data', 'classes = 1\ntrain = data/train.txt\nvalid = data/valid.txt\n');
  expect((await boxes('val', 'frame_0.jpg')).line).toBe('YOLO boxes: train 1, val 1, 1 class');
});

test('CVAT for Ultralytics lists images below data/, which is not in the archive', async () => {
  for (const part of ['train', 'val']) {
    image(`images/${part}/a.jpg`);
    write(`labels/${part}/a.txt`, '0 0.5 0.5 0.25 0.5\n');
    write(`${part}.txt`, `data/images/${part}/a.jpg\n`);
  }
  write('data.yaml', 'names:\n  0: cat\npath: .\ntrain: train.txt\nval: val.txt\n');
  expect(await boxes('val', 'images/val/a.jpg')).toEqual({
    line: 'YOLO boxes: train 1, val 1, 1 class',
    names: ['cat'],
    boxes: [[24, 12, 16, 24]],
  });
});

test('CVAT as LabelMe 3.0: points instead of boxes, deleted objects are left out', async () => {
  const object = (type: string, deleted: number, points: readonly (readonly number[])[]): string =>
    `<object><name>cat</name><deleted>${deleted}</deleted><type>${type}</type><polygon>` +
    `${points.map(([x, y]) => `<pt><x>${x}.00</x><y>${y}</y></pt>`).join('')}<username/></polygon></object>`;
  const square = [
    [8, 6],
    [20, 6],
    [20, 30],
    [8, 30],
  ];
  image('default/a.jpg');
  write(
    'default/a.xml',
    `<annotation><filename>a.jpg</filename><imagesize><nrows>48</nrows><ncols>64</ncols></imagesize>${
      object('bounding_box', 0, square) +
      object('polygon', 0, square.slice(1)) +
      object('polygon', 1, square)
    }</annotation>`,
  );
  expect((await boxes('train', 'default/a.jpg')).boxes).toEqual([
    [8, 6, 12, 24],
    [8, 6, 12, 24],
  ]);
});

test('CamVid: labels of colors in train_labels/, with class_dict.csv; numbers in trainannot/', async () => {
  const table = [
    [0, 0, 0],
    [64, 128, 64],
    [192, 0, 128],
  ];
  for (const part of ['train', 'val']) {
    image(`${part}/0001TP_1.png`, width, height);
    write(`${part}_labels/0001TP_1_L.png`, colors(table));
  }
  write('class_dict.csv', 'name,r,g,b\nAnimal,64,128,64\nArchway,192,0,128\nVoid,0,0,0\n');
  const mapped = LABELS.map((k) => (k === 0 ? 255 : k - 1));
  const line = 'images, labels and a table of classes: train, val, 2 classes';
  expect(await pixels()).toEqual([line, mapped, mapped]);
});

test('CVAT as CamVid: default/ and defaultannot/', async () => {
  image('default/a.png', width, height);
  write(
    'defaultannot/a.png',
    colors([
      [0, 0, 0],
      [64, 128, 64],
      [250, 50, 83],
    ]),
  );
  write('label_colors.txt', '0 0 0 background\n64 128 64 cat\n250 50 83 big dog\n');
  const [line, found] = await pixels();
  expect([line, found]).toEqual([
    'images, labels and a table of classes: train, 3 classes',
    LABELS,
  ]);
});

test('Cityscapes: 19 classes of pixels for segmentation, objects otherwise', async () => {
  for (const part of ['train', 'val']) {
    image(`leftImg8bit/${part}/aachen/aachen_0_0_leftImg8bit.png`, width, height);
    const start = `gtFine/${part}/aachen/aachen_0_0_gtFine`;
    write(`${start}_labelIds.png`, labels([0, 7, 8, 24, 26, 33, 4, 255]));
    write(
      `${start}_color.png`,
      colors([
        [0, 0, 0],
        [1, 1, 1],
        [2, 2, 2],
      ]),
    );
    write(`${start}_instanceIds.png`, labels([0, 7, 8, 24, 26, 33, 4, 255]));
    write(`${start}_polygons.json`, { imgHeight: 2, imgWidth: 4, objects: [] });
  }
  const mapped = [255, 0, 1, 11, 13, 18, 255, 255];
  expect(await pixels({ kind: 'segmentation' })).toEqual([
    'Cityscapes labels: train, val, 19 classes',
    mapped,
    mapped,
  ]);
  expect((await detectLayout(data.root)).line).toContain('instance masks with class numbers');
});

test('Open Images: corners in fractions, ids of classes with their names, groups are ignored', async () => {
  const header = 'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsGroupOf\n';
  image('train/00aa.jpg');
  image('validation/00bb.jpg');
  write(
    'train-annotations-bbox.csv',
    `${header}00aa,xclick,/m/01yrx,1,0.25,0.5,0.5,1,0,0\n00aa,xclick,/m/0bt9lr,1,0,1,0,0.5,0,1\n`,
  );
  write('validation-annotations-bbox.csv', `${header}00bb,xclick,/m/01yrx,1,0,0.5,0,0.25,0,0\n`);
  write('class-descriptions-boxable.csv', '/m/01yrx,Cat\n/m/0bt9lr,Dog\n');
  expect(await boxes('train', '00aa.jpg')).toEqual({
    line: 'CSV boxes: train 1, val 1, 2 classes',
    boxes: [
      [16, 24, 16, 24],
      [0, 0, 64, 24],
    ],
    names: ['Cat', 'Dog'],
  });
  const { splits } = await checkData(await detectLayout(data.root), {
    images: 'headers',
    maxExamples: 3,
  });
  expect(splits.map(({ counts }) => counts['annotations'])).toEqual([2, 1]);
});

test.each([
  ['without a header', ''],
  [
    'with one',
    'label_name,bbox_x,bbox_y,bbox_width,bbox_height,image_name,image_width,image_height\n',
  ],
])('makesense.ai: corner and size in pixels, %s', async (_, header) => {
  image('a b.jpg');
  write('labels_my-project_2026.csv', `${header}cat,8,6,12,24,a b.jpg,64,48\n`);
  expect(await boxes('train', 'a b.jpg')).toEqual({
    line: 'CSV boxes: train 1, 1 class',
    names: ['cat'],
    boxes: [[8, 6, 12, 24]],
  });
});

test('a list of boxes without classes has the class object', async () => {
  image('images/a.jpg');
  write('boxes.csv', 'image,xmin,ymin,xmax,ymax\na.jpg,8,6,20,30\n');
  expect((await boxes('train', 'a.jpg')).names).toEqual(['object']);
});

test('Label Studio: labels of pictures as they were before the upload', async () => {
  image('images/photo.jpg');
  image('images/1a2b3c4d-other.jpg');
  write('labels/1a2b3c4d-photo.txt', '0 0.5 0.5 0.25 0.5\n');
  write('labels/1a2b3c4d-other.txt', '0 0.5 0.5 0.25 0.5\n');
  write('classes.txt', 'cat\n');
  write('notes.json', {
    categories: [{ id: 0, name: 'cat' }],
    info: { contributor: 'Label Studio' },
  });
  const yolo = await boxes('train', 'photo.jpg');
  expect(yolo.boxes).toEqual([[24, 12, 16, 24]]);
  expect((await boxes('train', '1a2b3c4d-other.jpg')).boxes).toEqual([[24, 12, 16, 24]]);
});

test('Label Studio: a COCO file of pictures as they were before the upload', async () => {
  image('photo.jpg');
  write('result.json', {
    images: [{ id: 0, file_name: 'images/1a2b3c4d-photo.jpg', width: 64, height: 48 }],
    categories: [{ id: 0, name: 'cat' }],
    annotations: [
      { id: 0, image_id: 0, category_id: 0, bbox: [8, 6, 12, 24], area: 288, iscrowd: 0 },
    ],
  });
  const { errors, splits } = await checkData(await detectLayout(data.root), {
    images: 'headers',
    maxExamples: 3,
  });
  expect(errors).toBe(0);
  expect(JSON.stringify(splits)).toContain('another name since its upload');
});

test('images/ and masks/ of the parts are no classes of images', async () => {
  for (const part of ['train', 'val']) {
    image(`${part}/images/a.png`, width, height);
    write(`${part}/masks/a.png`, labels());
  }
  expect((await detectLayout(data.root)).line).toBe('instance masks: train 1, val 1, 1 class');
});

test('labels without names of their classes: the message says how to give them', async () => {
  image('train/a.png', width, height);
  write('trainannot/a.png', labels());
  await expect(detectLayout(data.root)).rejects.toThrow(
    /expected names of the classes of .*trainannot, got none; write classes.txt/,
  );
  const line = 'images, labels and classes as given: train, 3 classes';
  expect((await pixels({ classes: ['a', 'b', 'c'] }))[0]).toBe(line);
});

test('CVAT: several ignored colors are so in a divided set, too', async () => {
  for (const name of ['a', 'b', 'c', 'd']) {
    image(`default/${name}.png`, width, height);
    write(
      `defaultannot/${name}.png`,
      colors([
        [0, 0, 0],
        [64, 128, 64],
        [9, 9, 9],
      ]),
    );
  }
  write('label_colors.txt', '0 0 0 void\n64 128 64 cat\n9 9 9 ignore\n');
  const layout = await detectLayout(data.root);
  const options = { valFraction: 0.5, testFraction: 0, seed: 0, images: 'link' } as const;
  await divideSet(layout, data.at('parts'), options);
  const divided = await detectLayout(data.at('parts'));
  if (divided.kind !== 'segmentation') throw new Error(divided.line);
  const { samples, mapping } = await loadSegmentationSplit(divided, 'train');
  const found = (await loadPair(samples[0], mapping)).labels.data;
  expect([...found]).toEqual(LABELS.map((k) => (k === 1 ? 0 : 255)));
});

test('a camera’s MPO, several JPEGs in a file, is its first picture', async () => {
  const jpeg = (background: string): Promise<Buffer> =>
    sharp({ create: { width: 64, height: 48, channels: 3, background } })
      .jpeg()
      .toBuffer();
  write('images/IMG_1.MPO', Buffer.concat([await jpeg('#c00'), await jpeg('#00c')]));
  write('labels/IMG_1.txt', '0 0.5 0.5 0.25 0.5\n');
  write('classes.txt', 'cat\n');
  expect((await boxes('train', 'IMG_1.MPO')).boxes).toEqual([[24, 12, 16, 24]]);
  const { data: pixel } = await decodeImage(data.at('images/IMG_1.MPO'));
  expect(pixel[0]).toBeGreaterThan(150);
});
