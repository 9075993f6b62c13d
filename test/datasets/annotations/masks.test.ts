import { expect, test } from 'vitest';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { rleArea, type Rle } from '../../../core/rle.js';
import { encodeLabelPng, encodeRgbPng } from '../../../io/png/write.js';
import { boxesOf, dataFolder, tablesOf } from '../../helpers/data-folder.js';
import { buildPng } from '../../helpers/png.js';

const data = dataFolder();
const [width, height] = [8, 6];
/** Value 1 in the upper left quarter, 2 in the lower right one. */
const QUARTERS = Uint8Array.from({ length: 48 }, (_, i) => {
  const [x, y] = [i % 8, Math.floor(i / 8)];
  return x < 4 && y < 3 ? 1 : x >= 4 && y >= 3 ? 2 : 0;
});
const png = (values: Uint8Array): Uint8Array => encodeLabelPng({ width, height, data: values });

/** A PNG of 16 bits. */
function png16(values: readonly number[]): Uint8Array {
  const rows = Buffer.alloc(height * (1 + 2 * width));
  values.forEach((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    rows.writeUInt16BE(value, y * (1 + 2 * width) + 1 + 2 * x);
  });
  return buildPng({ width, height, bitDepth: 16, colorType: 0, rows });
}

test('masks that were saved with three equal channels are read, colors are refused', async () => {
  data.image('images/a.png', width, height);
  const rgb = (factor: number): Uint8Array =>
    encodeRgbPng({
      width,
      height,
      data: Uint8Array.from({ length: 3 * 48 }, (_, i) =>
        i % 3 === 0 ? factor * QUARTERS[Math.floor(i / 3)] : QUARTERS[Math.floor(i / 3)],
      ),
    });
  data.write('masks/a.png', rgb(1));
  const source = ((await detectLayout(data.root)) as DetectionData).splits['train'];
  const { tables, lines } = await tablesOf(source);
  expect(lines).toEqual([]);
  expect(boxesOf(tables, 'a.png')).toEqual([
    [0, 0, 4, 3],
    [4, 3, 4, 3],
  ]);
  data.write('masks/a.png', rgb(2));
  expect((await tablesOf(source)).lines[0]).toBe(
    'schema a.png: expected a label PNG with one number per pixel (gray or palette), got colors: [2, 1, 1], [0, 0, 0], [4, 2, 2]; ' +
      'write the number of its object into each pixel, 0 for none',
  );
});

test('masks of 0 and 255 alone are a warning, because objects are not told apart', async () => {
  for (const name of ['a', 'b']) {
    data.image(`images/${name}.png`, width, height);
    data.write(`masks/${name}.png`, png(QUARTERS.map((value) => (value === 0 ? 0 : 255))));
  }
  const source = ((await detectLayout(data.root)) as DetectionData).splits['train'];
  const { tables, lines } = await tablesOf(source);
  expect(tables.annotations.ids.length).toBe(2);
  expect(lines).toEqual([
    `maskBinary ${data.at('masks')}: expected a value for each object, got 255 alone; number the objects of an image, or learn classes of pixels with --task segment`,
  ]);
  // One image tells little, and other values do tell them apart.
  data.write('masks/b.png', png(QUARTERS));
  expect((await tablesOf(source)).lines).toEqual([]);
});

test('torchvision’s tutorial: PNGImages and PedMasks', async () => {
  for (const name of ['p1', 'p2']) {
    data.image(`PNGImages/${name}.png`, width, height);
    data.write(`PedMasks/${name}_mask.png`, png(QUARTERS));
  }
  data.image('PNGImages/p3.png', width, height);
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout).toMatchObject({ kind: 'detection', layout: 'masks' });
  expect(layout.line).toBe('instance masks: train 2, 1 class');
  const { tables, lines } = await tablesOf(layout.splits['train']);
  expect(boxesOf(tables, 'p2.png')).toEqual([
    [0, 0, 4, 3],
    [4, 3, 4, 3],
  ]);
  expect(rleArea(tables.annotations.masks.get(0) as Rle)).toBe(12);
  expect(tables.categories).toEqual([{ id: 1, name: 'object' }]);
  expect(lines.map((line) => line.replaceAll(data.root, ''))).toEqual([
    'imageUnlabeled /PNGImages/p3.png: expected a mask of its name, got none',
  ]);
  const named = (await detectLayout(data.root, { classes: ['person'] })) as DetectionData;
  const set = await loadDetectionSplit(named, 'train');
  expect(set.classes.names).toEqual(['person']);
});

test('Cityscapes: class · 1000 + number, groups are ignored', async () => {
  data.image('leftImg8bit/train/aachen/a_000_leftImg8bit.png', width, height);
  data.image('leftImg8bit/val/ulm/b_000_leftImg8bit.png', width, height);
  const values = Array.from(QUARTERS, (v): number => (v === 1 ? 26001 : v === 2 ? 24 : 7));
  values[7] = 29000;
  data.write('gtFine/train/aachen/a_000_gtFine_instanceIds.png', png16(values));
  data.write('gtFine/train/aachen/a_000_gtFine_labelIds.png', png(QUARTERS));
  data.write('gtFine/val/ulm/b_000_gtFine_instanceIds.png', png16(values));
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.line).toBe('instance masks with class numbers: train 1, val 1, 8 classes');
  const { tables, lines } = await tablesOf(layout.splits['train']);
  expect(tables.categories[2]).toEqual({ id: 3, name: 'car' });
  expect([...tables.annotations.categoryIds]).toEqual([1, 3]);
  expect([...tables.annotations.crowds]).toEqual([1, 0]);
  expect(lines.map((line) => line.replace(/^.*instanceIds/, ''))).toEqual([
    '.png: value 29000: expected one of the classes 24, 25, 26, 27, 28, 31, 32, 33 times 1000, got 29000',
  ]);
});

test('numbered masks with a list of classes', async () => {
  data.image('images/a.png', width, height);
  data.write(
    'masks/a_instanceIds.png',
    png16([...QUARTERS].map((v) => (v === 0 ? 0 : v * 1000 + 5))),
  );
  data.write('classes.txt', 'background\nnut\nbolt\n');
  const layout = (await detectLayout(data.root)) as DetectionData;
  const set = await loadDetectionSplit(layout, 'train');
  expect(set.classes.names).toEqual(['nut', 'bolt']);
  expect([...set.classIndices]).toEqual([0, 1]);
  data.write('classes.txt', 'nut\n');
  const short = (await detectLayout(data.root)) as DetectionData;
  await expect(loadDetectionSplit(short, 'train')).rejects.toThrow(
    'value 2005: expected one of the classes 1 times 1000, got 2005',
  );
});

test('masks without an image, of another size or in color are named', async () => {
  data.image('images/a.png', width, height);
  data.image('images/b.png', width + 1, height);
  data.image('images/c.png', width, height);
  data.write('masks/a.png', png(QUARTERS));
  data.write('masks/b.png', png(QUARTERS));
  const red = Uint8Array.from({ length: 3 * 48 }, (_, i) => (i % 3 === 0 ? 200 : 0));
  data.write('masks/c.png', encodeRgbPng({ width, height, data: red }));
  data.write('masks/d.png', png(QUARTERS));
  const source = {
    format: 'masks',
    annotations: data.at('masks'),
    images: data.at('images'),
  } as const;
  const { tables, lines } = await tablesOf(source);
  expect(tables.images.fileNames).toEqual(['a.png']);
  expect(lines.map((line) => line.replaceAll(data.root, ''))).toEqual([
    'schema b.png: expected 9x6 of b.png, got 8x6',
    expect.stringMatching(/^schema c\.png: expected a label PNG with one number per pixel/),
    'labelAlone d.png: expected an image of its name, got none',
    'imageUnlabeled /images/b.png: expected a mask of its name, got none',
    'imageUnlabeled /images/c.png: expected a mask of its name, got none',
  ]);
});
