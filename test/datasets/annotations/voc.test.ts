import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadCoco } from '../../../datasets/coco/set.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { boxesOf, dataFolder, tablesOf } from '../../helpers/data-folder.js';
import { needsRealData, REAL_DATA } from '../../helpers/leave-out.js';

const folder = dataFolder();
const { write, image, at } = folder;

function object(name: string, corners: readonly (number | string)[], rest = ''): string {
  const [x1, y1, x2, y2] = corners;
  return `<object><name>${name}</name>${rest}<bndbox><xmax>${x2}</xmax><xmin>${x1}</xmin><ymin>${y1}</ymin><ymax>${y2}</ymax></bndbox></object>`;
}
function xml(objects: string, fileName = '', size: readonly number[] = []): string {
  const [width, height] = size;
  const sizes = `<size><width>${width}</width><height>${height}</height><depth>3</depth></size>`;
  return `<annotation><filename>${fileName}</filename>${size.length > 0 ? sizes : ''}${objects}</annotation>`;
}
const source = () =>
  ({ format: 'voc', annotations: at('Annotations'), images: at('JPEGImages') }) as const;
const detected = async (options = {}): Promise<DetectionData> =>
  (await detectLayout(folder.root, options)) as DetectionData;

test('corners count from 1 and are inclusive; difficult objects are regions to ignore', async () => {
  image('JPEGImages/b.png', 64, 48);
  image('JPEGImages/a.png', 30, 20);
  write(
    'Annotations/b.xml',
    xml(
      object('dog', [1, 1, 64, 48]) +
        object('cat', [5, 6, 9, 8], '<difficult>1</difficult><truncated>1</truncated>'),
      'b.png',
      [64, 48],
    ),
  );
  write('Annotations/a.xml', xml(object('cat', [2.5, 3, 10, 7])));
  const { tables, issues } = await tablesOf(source());
  expect(issues).toEqual([]);
  expect(tables.images).toMatchObject({
    fileNames: ['a.png', 'b.png'],
    widths: Int32Array.of(30, 64),
    heights: Int32Array.of(20, 48),
  });
  expect(tables.categories).toEqual([
    { id: 1, name: 'cat' },
    { id: 2, name: 'dog' },
  ]);
  expect(boxesOf(tables, 'a.png')).toEqual([[1.5, 2, 8.5, 5]]);
  expect(boxesOf(tables, 'b.png')).toEqual([
    [0, 0, 64, 48],
    [4, 5, 5, 3],
  ]);
  expect([...tables.annotations.categoryIds]).toEqual([1, 2, 1]);
  expect([...tables.annotations.crowds]).toEqual([0, 0, 1]);
  expect([...tables.annotations.areas]).toEqual([42.5, 64 * 48, 15]);
});

test('swapped corners are put in order, and corners that count from 0 stay inside', async () => {
  image('JPEGImages/a.png');
  write('Annotations/a.xml', xml(object('cat', [20, 30, 11, 21]) + object('cat', [0, 0, 5, 6])));
  const { tables, lines } = await tablesOf(source());
  expect(boxesOf(tables, 'a.png')).toEqual([
    [10, 20, 10, 10],
    [0, 0, 5, 6],
  ]);
  expect(lines).toEqual([
    'boxOrder a.xml: object[0]: bndbox: expected min up to max, got 20, 30, 11, 21',
  ]);
});

test('bad objects and files are reported with their own file, and the others are read', async () => {
  for (const name of ['a', 'b', 'c']) image(`JPEGImages/${name}.png`);
  write('Annotations/a.xml', xml(object('cat', [1, 1, 'x', 4]) + object('cat', [1, 1, 4, 4])));
  write('Annotations/b.xml', '<annotation><object>');
  write('Annotations/c.xml', xml(object('', [1, 1, 4, 4])));
  write('Annotations/d.xml', xml(object('cat', [1, 1, 4, 4]), 'elsewhere/d.jpg'));
  write('JPEGImages/e.jpg', 'no image');
  write('Annotations/e.xml', xml(object('cat', [1, 1, 4, 4])));
  const { tables, lines } = await tablesOf(source());
  expect(tables.images.fileNames).toEqual(['a.png', 'c.png']);
  expect(lines).toEqual([
    'schema a.xml: object[0]: bndbox/xmax: expected a number, got "x"',
    'schema b.xml: line 1: expected XML, got unclosed tag: object',
    'schema c.xml: object[0]: name: expected the name of a class, got none',
    'imageMissing d.xml: expected its image elsewhere/d.jpg, got none',
    expect.stringContaining('imageUnreadable e.xml: '),
  ]);
  await expect(loadCoco(source())).rejects.toThrow(
    `${at('Annotations/a.xml')}: object[0]: bndbox/xmax`,
  );
});

test('later checks name the file of the object, too', async () => {
  image('JPEGImages/a.png', 64, 48);
  write('Annotations/a.xml', xml(object('cat', [100, 1, 120, 4])));
  const { findings } = await loadCoco(source());
  const outside = findings.find(({ code }) => code === 'box-outside');
  expect(outside?.examples[0]).toMatchObject({
    file: at('Annotations/a.xml'),
    message: 'object[0]: bbox: expected a box that overlaps its image, got [99, 0, 21, 4] in 64x48',
  });
});

describe('the size of an image is that of its file', () => {
  const listed = async (size: readonly number[], corners = [1, 1, 40, 30]) => {
    image('JPEGImages/a.png', 64, 48);
    write('Annotations/a.xml', xml(object('cat', corners), 'a.png', size));
    const { tables, lines } = await tablesOf(source());
    expect([tables.images.widths[0], tables.images.heights[0]]).toEqual([64, 48]);
    return lines;
  };

  test('a missing or zero one is taken without a word', async () => {
    expect(await listed([0, 0])).toEqual([]);
  });
  test('another one is a warning where the boxes fit', async () => {
    expect(await listed([48, 64])).toEqual([
      'sizeListed a.xml: size: expected 64x48 of a.png, got 48x64',
    ]);
    expect(await listed([64, 49])).toEqual([
      'sizeListed a.xml: size: expected 64x48 of a.png, got 64x49',
    ]);
  });
  test('boxes of a picture of another size are an error', async () => {
    expect(await listed([128, 96])).toEqual([
      expect.stringContaining('imageSize a.xml: size: expected 64x48'),
    ]);
    expect(await listed([100, 90], [1, 1, 90, 80])).toEqual([
      expect.stringContaining('imageSize a.xml'),
    ]);
  });
  test('without the image it is that of the annotation file', async () => {
    write('Annotations/a.xml', xml(object('cat', [1, 1, 4, 4]), 'a.png', [64, 48]));
    const { tables, lines } = await tablesOf(source());
    expect([tables.images.fileNames[0], tables.images.widths[0], ...lines]).toEqual(['a.png', 64]);
    await expect(loadCoco(source())).rejects.toThrow(
      /a.xml: image "a.png": expected the file .*a.png, got none/,
    );
  });
});

test('images are paired by the name of the annotation file, or else by the name in it', async () => {
  image('JPEGImages/a.png');
  image('JPEGImages/sub/b.png');
  image('JPEGImages/Ü c.PNG'.normalize('NFD'));
  image('JPEGImages/d.v1.png');
  image('JPEGImages/other.png');
  write('Annotations/a.xml', xml('', 'other.png'));
  write('Annotations/sub/b.xml', xml('', 'C:\\images\\b.png'));
  write('Annotations/ü C.xml'.normalize('NFC'), xml(''));
  write('Annotations/d.v1.xml', xml('', 'd.v1'));
  write('Annotations/x.xml', xml('', 'path\\other.jpg'));
  const { tables, lines } = await tablesOf(source());
  expect([...tables.images.fileNames].map((name) => name.normalize('NFC')).sort()).toEqual([
    'a.png',
    'd.v1.png',
    'other.png',
    'sub/b.png',
    'Ü c.PNG',
  ]);
  expect(lines).toEqual(['nameListed a.xml: filename: expected a.png, got other.png']);
});

describe('layouts', () => {
  test('the published one has lists of its parts', async () => {
    for (const [i, name] of ['p', 'q', 'r', 's'].entries()) {
      image(`VOCdevkit/VOC2012/JPEGImages/${name}.png`);
      write(
        `VOCdevkit/VOC2012/Annotations/${name}.xml`,
        xml(object(i === 3 ? 'dog' : 'cat', [1, 1, 40, 40])),
      );
    }
    const lists = 'VOCdevkit/VOC2012/ImageSets/Main';
    write(`${lists}/train.txt`, 'q  1\np -1\n\n');
    write(`${lists}/val.txt`, 's\r\n');
    write(`${lists}/trainval.txt`, 'p\nq\ns\n');
    write(`${lists}/cat_train.txt`, 'r 1\n');
    const data = await detected();
    expect(data).toMatchObject({ layout: 'voc', line: 'VOC boxes: train 2, val 1, 2 classes' });
    const [train, val] = await Promise.all(
      ['train', 'val'].map((split) => loadDetectionSplit(data, split as 'train')),
    );
    expect(train.images.fileNames).toEqual(['q.png', 'p.png']);
    expect(val.classes.names).toEqual(train.classes.names);
    write(`${lists}/val.txt`, 'none\n');
    await expect(loadDetectionSplit(data, 'val')).rejects.toThrow(
      /val.txt: line 1: expected the file .*none.xml, got none/,
    );
  });

  test('lists may have any case, names with spaces and dots, and files of images in them', async () => {
    const names = ['IMG 2026', 'cam1.00012', 'Screenshot at 10.15.32', 'p'];
    for (const name of names) {
      image(`JPEGImages/${name}.png`);
      write(`Annotations/${name}.xml`, xml(object('cat', [1, 1, 40, 40])));
    }
    write('ImageSets/Main/Train.txt', 'IMG 2026\ncam1.00012 1\nScreenshot at 10.15.32 -1\n');
    write('ImageSets/Main/Validation.txt', 'D:\\set\\JPEGImages\\p.png\n');
    const data = await detected();
    expect(data.line).toBe('VOC boxes: train 3, val 1, 1 class');
    const { images } = await loadDetectionSplit(data, 'train');
    expect(images.fileNames).toEqual(names.slice(0, 3).map((name) => `${name}.png`));
    expect((await loadDetectionSplit(data, 'val')).images.fileNames).toEqual(['p.png']);
  });

  test('XML files are beside the images, with a folder for each part or not', async () => {
    for (const split of ['train', 'valid', 'test']) {
      image(`${split}/a.png`);
      write(`${split}/a.xml`, xml(object('cat', [1, 1, 40, 40])));
    }
    expect((await detected()).line).toBe('VOC boxes: train 1, val 1, test 1, 1 class');
    expect((await detected()).splits).toMatchObject({
      val: { annotations: at('valid'), images: at('valid') },
    });
    const single = (await detectLayout(at('train'))) as DetectionData;
    expect(single.line).toBe('VOC boxes: train 1, 1 class');
  });

  test('images and XML files have folders of their own, divided or not', async () => {
    for (const split of ['train', 'val']) {
      image(`images/${split}/a.png`);
      write(`annotations/${split}/a.xml`, xml(object('cat', [1, 1, 40, 40])));
      image(`other/${split}/images/a.png`);
      write(`other/${split}/annotations/a.xml`, xml(object('cat', [1, 1, 40, 40])));
    }
    expect((await detected()).splits).toMatchObject({
      val: { annotations: at('annotations/val'), images: at('images/val') },
    });
    const other = (await detectLayout(at('other'))) as DetectionData;
    expect(other.splits).toMatchObject({ val: { images: at('other/val/images') } });
    expect((await loadDetectionSplit(other, 'train')).images.fileNames).toEqual(['a.png']);
  });

  test('classes.txt and the classes asked for win over those that occur', async () => {
    image('images/a.png');
    write('annotations/a.xml', xml(object('cat', [1, 1, 40, 40]) + object('dog', [1, 1, 40, 40])));
    const asked = await loadDetectionSplit(await detected({ classes: ['dog'] }), 'train');
    expect([asked.classes.names, [...asked.classIndices]]).toEqual([['dog'], [-1, 0]]);
    write('classes.txt', 'dog\nbird\n');
    await expect(loadDetectionSplit(await detected(), 'train')).rejects.toThrow(
      'object[0]: expected one of the classes dog, bird, got "cat"',
    );
    write('classes.txt', 'dog\nbird\ncat\n');
    const set = await loadDetectionSplit(await detected(), 'train');
    expect([set.classes.names, [...set.classIndices]]).toEqual([
      ['dog', 'bird', 'cat'],
      [2, 0],
    ]);
  });

  test('two readings are an error that names the options', async () => {
    image('a.png');
    write('a.xml', xml(object('cat', [1, 1, 40, 40])));
    write('a.txt', '0 0.5 0.5 0.5 0.5\n');
    write('classes.txt', 'cat\n');
    await expect(detected()).rejects.toThrow(
      /expected one data set, got 2: .*`layout` voc\).*`layout` yolo\)\. Choose one with `layout` voc\|yolo/,
    );
    expect(await detected({ layout: 'voc' })).toMatchObject({ layout: 'voc' });
    await expect(detected({ layout: 'coco' })).rejects.toThrow(
      '`layout` coco: expected a layout that fits',
    );
  });
});

describe('the raccoons', () => {
  needsRealData('raccoon');

  test('are read as published, and a fifth is held out', async () => {
    const data = (await detectLayout(join(REAL_DATA, 'raccoon'), {
      kind: 'detection',
    })) as DetectionData;
    expect(data.line).toBe(
      'VOC boxes: train 200, 1 class; no validation part: 20 % of the images are held out, seed 0 (`valFraction` changes it)',
    );
    const [train, val] = await Promise.all([
      loadDetectionSplit(data, 'train'),
      loadDetectionSplit(data, 'val'),
    ]);
    expect([train.images.ids.length, val.images.ids.length]).toEqual([160, 40]);
    expect(train.annotations.ids).toHaveLength(217);
    expect(train.findings.filter(({ severity }) => severity !== 'note')).toEqual([]);
  });
});
