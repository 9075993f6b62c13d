import { mkdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { loadCoco } from '../../../datasets/coco/set.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { boxesOf, dataFolder, tablesOf } from '../../helpers/data-folder.js';

const folder = dataFolder();
const { write, image, at } = folder;
const BOX = '0 0.5 0.5 0.5 0.5\n';
const source = () =>
  ({
    format: 'yolo',
    annotations: at('labels'),
    images: at('images'),
    names: ['cat', 'dog'],
  }) as const;
const detected = async (options = {}, path = folder.root): Promise<DetectionData> =>
  (await detectLayout(path, options)) as DetectionData;

test('positions become pixels of the image; a polygon is a mask with its bounding box', async () => {
  image('images/b.png', 64, 48);
  image('images/sub/a.png', 100, 200);
  write('labels/b.txt', '1 0.5 0.5 0.25 0.5\n0 0.5 0.25 1 0.5 0.75 1\n');
  write('labels/sub/a.txt', '0 0.1 0.1 0.2 0.2');
  const { tables, lines } = await tablesOf(source());
  expect(lines).toEqual([]);
  expect(tables.images.fileNames).toEqual(['b.png', 'sub/a.png']);
  expect(boxesOf(tables, 'b.png')).toEqual([
    [24, 12, 16, 24],
    [32, 12, 32, 36],
  ]);
  expect(boxesOf(tables, 'sub/a.png')[0]).toEqual([0, 0, 20, 40]);
  expect([...tables.annotations.categoryIds]).toEqual([2, 1, 1]);
  expect(tables.annotations.masks.get(0)).toEqual({ kind: 'none' });
  expect(tables.annotations.masks.get(1)).toEqual({
    kind: 'polygons',
    polygons: [Float64Array.of(32, 12, 64, 24, 48, 48)],
  });
  expect(tables.annotations.areas[1]).toBe(
    Math.abs((32 * 24 - 64 * 12 + 64 * 48 - 48 * 24 + 48 * 12 - 32 * 48) / 2),
  );
});

test('images without a label file, or with an empty one, are background', async () => {
  for (const name of ['a', 'b', 'c']) image(`images/${name}.png`);
  write('labels/a.txt', BOX);
  write('labels/b.txt', '');
  const { tables, issues } = await tablesOf(source());
  expect(tables.images.fileNames).toEqual(['a.png', 'b.png', 'c.png']);
  expect(issues).toEqual([
    { code: 'labelMissing', file: at('images/c.png'), message: 'no label file' },
  ]);
});

test('a label file may be in another spelling, or have the extension of its image', async () => {
  for (const name of ['IMG_1.PNG', 'Größe'.normalize('NFD') + '.png', 'c.png', 'd.png'])
    image(`images/${name}`);
  for (const name of ['img_1', 'größe'.normalize('NFC'), 'c.png', 'd', 'x'])
    write(`labels/${name}.txt`, BOX);
  write('classes.txt', 'cat\n');
  const { tables, lines } = await tablesOf((await detected()).splits['train']);
  expect(tables.annotations.ids).toHaveLength(4);
  expect(lines.map((line) => line.normalize('NFC')).sort()).toEqual([
    'imageRenamed c.png.txt: its image is "c.png"',
    'imageRenamed größe.txt: its image is "Größe.png"',
    'imageRenamed img_1.txt: its image is "IMG_1.PNG"',
    'labelAlone x.txt: expected an image of this name, got none',
  ]);
});

test('problems name the label file and the line', async () => {
  for (const name of ['a', 'b', 'c', 'd']) image(`images/${name}.png`);
  write('images/e.png', 'no image');
  write('labels/a.txt', `${BOX}7 0.5 0.5 0.1 0.1\n0 0.5\n0 1.1 0.5 0.1 0.1\n`);
  write('labels/b.txt', Buffer.from([0x30, 0x20, 0xff, 0xfe]));
  write('labels/c.txt', 'version https://git-lfs.github.com/spec/v1\n');
  write('labels/d.txt', Buffer.from(`\ufeff${BOX}`, 'utf16le'));
  write('labels/e.txt', BOX);
  write('labels/f.txt', BOX);
  write('labels/classes.txt', 'cat\ndog\n');
  const { tables, issues, lines } = await tablesOf(source());
  expect(lines).toEqual([
    `labelAlone f.txt: expected an image of this name, got none`,
    'unknownCategory a.txt: line 2: expected a class from 0 to 1, got 7',
    'schema a.txt: line 3: expected a box (4 numbers after the class) or a polygon (6 or more, in pairs), got 1',
    'valueOutside a.txt: line 4: expected positions from 0 to 1, got 1.1',
    'schema b.txt: expected text in utf-8, got other bytes',
    'schema c.txt: expected a label file, got a Git LFS pointer; fetch the file itself with `git lfs pull`',
    expect.stringContaining('imageUnreadable'),
  ]);
  expect(issues[6].file).toBe(at('images/e.png'));
  expect(boxesOf(tables, 'd.png')).toHaveLength(1);
  await expect(loadCoco(source())).rejects.toThrow(
    `${at('labels/a.txt')}: line 2: expected a class from 0 to 1, got 7`,
  );
});

describe('data.yaml', () => {
  const split = (name: string, prefix = ''): void => {
    image(`${prefix}images/${name}/${name}.png`);
    write(`${prefix}labels/${name}/${name}.txt`, BOX);
  };

  test('parts are found relative to the file, to its path, and by the end of paths of other machines', async () => {
    split('train', 'set/');
    split('val', 'set/');
    for (const [train, val, path] of [
      ['images/train', 'images/val', undefined],
      ['images/train', './images/val/', '.'],
      ['images/train', 'images/val', '../datasets/elsewhere'],
      ['../images/train', '../images/val', undefined],
      ['/content/set/images/train', 'C:\\data\\set\\images\\val', undefined],
      [at('set/images/train'), at('set/images/val'), '/nowhere'],
    ]) {
      const file = write('set/data.yaml', { path, train, val, names: { 0: 'cat', 1: 'dog' } });
      for (const start of [file, at('set')]) {
        const data = await detected({}, start);
        expect(data.line).toBe('YOLO boxes: train 1, val 1, 2 classes');
        const { images, classes } = await loadDetectionSplit(data, 'val');
        expect([images.fileNames, classes.names]).toEqual([['val.png'], ['cat', 'dog']]);
      }
    }
  });

  test('a part is a list of folders or a text file of images', async () => {
    split('a');
    split('b');
    split('c');
    write('val.txt', './images/b/b.png\nimages/c/c.png\n\n');
    write('data.yaml', { train: ['images/a', 'images/b'], val: 'val.txt', nc: 1, names: ['cat'] });
    const data = await detected();
    expect(data.line).toBe('YOLO boxes: train 2, val 2, 1 class');
    const [train, val] = await Promise.all([
      loadDetectionSplit(data, 'train'),
      loadDetectionSplit(data, 'val'),
    ]);
    expect(train.images.fileNames).toEqual(['a/a.png', 'b/b.png']);
    expect(val.images.fileNames).toEqual(['images/b/b.png', 'images/c/c.png']);
    expect([train.annotations.ids.length, val.annotations.ids.length]).toEqual([2, 2]);
    write('val.txt', 'images/none.png\n');
    await expect(loadDetectionSplit(data, 'val')).rejects.toThrow(
      'val.txt: line 1: expected the image images/none.png',
    );
  });

  test('the layout of Roboflow, with a test part that is absent', async () => {
    for (const name of ['train', 'valid']) {
      image(`${name}/images/x.png`);
      write(`${name}/labels/x.txt`, '0 0.1 0.1 0.5 0.1 0.5 0.5\n');
    }
    write(
      'data.yaml',
      'train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: [cat]\n',
    );
    expect((await detected()).line).toBe(
      'YOLO polygons: train 1, val 1, 1 class; test: ../test/images does not exist',
    );
  });

  test('it wins over a guess, whatever its name', async () => {
    split('train');
    split('val');
    write('classes.txt', 'wrong\n');
    write('coco8.yaml', { train: 'images/train', val: 'images/val', names: ['cat'] });
    const data = await detected();
    expect((await loadDetectionSplit(data, 'train')).classes.names).toEqual(['cat']);
    await expect(
      detected({ classes: ['cow'] }).then((d) => loadDetectionSplit(d, 'train')),
    ).rejects.toThrow('expected names of categories (cat), got "cow"');
  });

  test.each([
    [
      { train: 'images/none', names: ['cat'] },
      'train: expected a folder or text file that exists, got images/none',
    ],
    [
      { train: 'images/train', names: ['cat'], nc: 2 },
      'nc: expected 1, the number of names, got 2',
    ],
    [{ train: 'images/train', names: ['cat'], kpt_shape: [2, 3] }, 'got keypoints (YOLO pose)'],
  ])('%j is refused', async (content, message) => {
    split('train');
    const file = write('data.yaml', content);
    for (const path of [file, folder.root]) {
      await expect(detectLayout(path)).rejects.toThrow(DataError);
      await expect(detectLayout(path)).rejects.toThrow(message);
    }
  });
});

describe('oriented boxes', () => {
  const inclined = '0 0.2 0.5 0.5 0.2 0.8 0.5 0.5 0.8\n';
  const upright = '0 0.2 0.2 0.8 0.2 0.8 0.7 0.2 0.7\n';

  test('are refused by name', async () => {
    image('images/train/a.png');
    write('labels/train/a.txt', inclined + inclined + upright);
    const file = write('data.yaml', { train: 'images/train', names: ['cat'] });
    await expect(detectLayout(file)).rejects.toThrow(
      'got oriented boxes (YOLO OBB: 8 numbers per object)',
    );
  });

  test('are told by the name of the set, too, and quadrangles are polygons', async () => {
    for (const name of ['dota-obb', 'plates']) {
      image(`${name}/images/train/a.png`);
      write(`${name}/labels/train/a.txt`, upright);
      write(`${name}/data.yaml`, { train: 'images/train', names: ['cat'] });
    }
    await expect(detectLayout(at('dota-obb'))).rejects.toThrow('oriented boxes');
    expect((await detected({}, at('plates'))).line).toBe('YOLO polygons: train 1, 1 class');
  });
});

describe('without data.yaml', () => {
  test('classes.txt or --classes names the classes, else they are numbers', async () => {
    for (const name of ['train', 'val']) {
      image(`images/${name}/a.png`);
      write(`labels/${name}/a.txt`, '1 0.5 0.5 0.5 0.5\n');
    }
    expect((await detected()).line).toBe(
      'YOLO boxes: train 1, val 1, 2 classes without names (`classes` or classes.txt gives them)',
    );
    const named = await detected({ classes: ['cat', 'dog'] });
    expect(named.line).toBe('YOLO boxes: train 1, val 1, 2 classes');
    expect((await loadDetectionSplit(named, 'val')).classes.names).toEqual(['cat', 'dog']);
    write('classes.txt', 'a\nb\nc\n');
    expect((await detected()).line).toBe('YOLO boxes: train 1, val 1, 3 classes');
  });

  test('label files are beside the images, or in folders of the parts', async () => {
    image('flat/a.png');
    write('flat/a.txt', BOX);
    write('flat/classes.txt', 'cat\n');
    expect((await detected({}, at('flat'))).line).toBe('YOLO boxes: train 1, 1 class');
    for (const name of ['train', 'valid']) {
      image(`parts/${name}/images/a.png`);
      write(`parts/${name}/labels/a.txt`, BOX);
    }
    write('parts/classes.txt', 'cat\n');
    expect((await detected({}, at('parts'))).line).toBe('YOLO boxes: train 1, val 1, 1 class');
    image('cvat/obj_train_data/a.png');
    write('cvat/obj_train_data/a.txt', BOX);
    write('cvat/obj.names', 'cat\n');
    expect((await detected({}, at('cvat'))).line).toBe('YOLO boxes: train 1, 1 class');
  });

  test('text that is no label file is not taken for one', async () => {
    image('a.png');
    write('a.txt', 'a photo of a cat\n');
    await expect(detected()).rejects.toThrow('expected a data set, looked for');
    mkdirSync(at('empty/images'), { recursive: true });
    mkdirSync(at('empty/labels'), { recursive: true });
    await expect(detected({}, at('empty'))).rejects.toThrow('expected a data set');
  });
});
