import { describe, expect, test } from 'vitest';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { dataFolder } from '../../helpers/data-folder.js';

const { write, image, at } = dataFolder();
const BOX = '0 0.5 0.5 0.5 0.5\n';
const pair = (stem: string, label = stem.replace('images/', 'labels/')): void => {
  image(`${stem}.png`);
  write(`${label}.txt`, BOX);
};
const load = async (path: string): Promise<Record<string, readonly string[]>> => {
  const data = (await detectLayout(path)) as DetectionData;
  const parts: Record<string, readonly string[]> = {};
  for (const split of Object.keys(data.splits) as ('train' | 'val')[]) {
    const { images, annotations } = await loadDetectionSplit(data, split);
    expect(annotations.ids.length).toBe(images.ids.length);
    parts[split] = images.fileNames;
  }
  return parts;
};

describe('the list of a data.yaml', () => {
  test.each([
    ['of Windows', 'images\\a b.png\r\nimages\\sub\\c.png\r\n'],
    ['of another machine', '/content/set/images/a b.png\n/content/set/images/sub/c.png\n'],
    ['of another machine with Windows', 'D:\\me\\images\\a b.png\nD:\\me\\images\\sub\\c.png'],
    ['with an image that is gone first', 'none/x.png\n./images/a b.png\n./images/sub/c.png\n'],
  ])('%s', async (_, lines) => {
    pair('set/images/a b');
    pair('set/images/sub/c');
    write('set/train.txt', lines);
    write('set/data.yaml', { train: 'train.txt', names: ['cat'] });
    const data = (await detectLayout(at('set'))) as DetectionData;
    const found = loadDetectionSplit(data, 'train');
    if (lines.startsWith('none'))
      await expect(found).rejects.toThrow(/train.txt: line 1: .* none\/x.png below .* got none$/);
    else expect((await found).images.fileNames).toEqual(['images/a b.png', 'images/sub/c.png']);
  });

  test('images may be in another folder than the list', async () => {
    pair('photos/images/a');
    pair('photos/images/b');
    write('work/train.txt', `${at('photos/images/a.png')}\n${at('photos/images/b.png')}\n`);
    write('work/val.txt', '../photos/images/b.png\n');
    write('work/data.yaml', { train: 'train.txt', val: 'val.txt', names: ['cat'] });
    expect(await load(at('work/data.yaml'))).toEqual({ train: ['a.png', 'b.png'], val: ['b.png'] });
  });
});

describe('lists without a data.yaml', () => {
  test('darknet: a file *.data names them, whatever folder it was started in', async () => {
    for (const name of ['a', 'b', 'c']) pair(`data/obj/${name}`);
    write('data/train.txt', 'data/obj/a.png\ndata/obj/c.png\n');
    write('data/test.txt', 'data/obj/b.png\n');
    write('data/obj.names', 'cat\n');
    write(
      'data/obj.data',
      'classes = 1\ntrain  = data/train.txt\nvalid  = data/test.txt\nnames = data/obj.names\nbackup = backup/\n',
    );
    const parts = { train: ['obj/a.png', 'obj/c.png'], val: ['obj/b.png'] };
    expect(await load(at(''))).toEqual(parts);
    expect(await load(at('data'))).toEqual(parts);
  });

  test('train.txt and val.txt divide images and labels; darknet has labels beside JPEGImages', async () => {
    pair('images/a');
    pair('images/b');
    write('classes.txt', 'cat\n');
    write('train.txt', 'images/b.png\n');
    write('val.txt', '/elsewhere/images/a.png\n');
    expect(await load(at(''))).toEqual({ train: ['images/b.png'], val: ['images/a.png'] });
    pair('voc/JPEGImages/a', 'voc/labels/a');
    pair('voc/JPEGImages/b', 'voc/labels/b');
    write('voc/train.txt', 'voc/JPEGImages/a.png\n');
    write('voc/val.txt', 'voc/JPEGImages/b.png\n');
    write('voc/data.yaml', { train: 'train.txt', val: 'val.txt', names: ['cat'] });
    expect(await load(at('voc'))).toEqual({
      train: ['JPEGImages/a.png'],
      val: ['JPEGImages/b.png'],
    });
  });

  test('other text of these names divides nothing', async () => {
    pair('images/a');
    pair('images/b');
    write('classes.txt', 'cat\n');
    write('train.txt', 'a photo of a cat\n');
    write('val.txt', 'images/b.png\n');
    expect(await load(at(''))).toEqual({ train: ['a.png', 'b.png'] });
    // Images of a list without labels are no set of YOLO.
    image('pixels/images/a.png');
    image('pixels/labels/a.png');
    write('pixels/classes.txt', 'sky\ncat\n');
    write('pixels/train.txt', 'images/a.png\n');
    write('pixels/val.txt', 'images/a.png\n');
    expect((await detectLayout(at('pixels'))).kind).toBe('segmentation');
  });

  test('labels with a byte order mark are recognized', async () => {
    for (const [set, encoding] of [
      ['a', 'utf8'],
      ['b', 'utf16le'],
    ] as const) {
      image(`${set}/images/a.png`);
      write(`${set}/labels/a.txt`, Buffer.from(`\ufeff${BOX}`, encoding));
      write(`${set}/classes.txt`, 'cat\n');
      expect(await load(at(set))).toEqual({ train: ['a.png'] });
    }
  });
});
