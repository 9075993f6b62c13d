import { expect, test } from 'vitest';
import { DataError, InputError } from '../core/errors.js';
import { detectLayout } from '../datasets/layout/detect.js';
import { readLabelMe } from '../io/labelme/read.js';
import { readLabels } from '../tools/score/imagenet-files.js';
import { paletteOf } from '../train/segment/palette.js';
import { temporaryFolder } from './helpers/temporary-folder.js';

/** Texts that are made to stall a pattern with two places for the same blanks or words. Each would take minutes. */

const { folder, put } = temporaryFolder();
const BLANKS = ' '.repeat(1_000_000);

test('base64 with blanks before its damage', () => {
  const points = [
    [1, 1],
    [2, 2],
  ];
  const shape = { label: 'a', points, shape_type: 'mask', mask: `AAAA${BLANKS}?` };
  const bytes = Buffer.from(JSON.stringify({ shapes: [shape], imagePath: 'a.jpg' }));
  expect(() => readLabelMe(bytes, 'a.json')).toThrow('expected base64');
  expect(() => readLabelMe(bytes, 'a.json')).toThrow(DataError);
}, 5000);

test('the header of a table with many columns of the same names', async () => {
  await put('a.jpg', 'x');
  await put('boxes.csv', `image,${'x,y,w,'.repeat(700)}\n`);
  await expect(detectLayout(folder)).rejects.toThrow(InputError);
}, 5000);

test('a palette with blanks inside a line', async () => {
  const file = await put('palette.txt', `#ff0000${BLANKS}x\n`);
  expect(() => paletteOf({ classNames: ['a'] }, file)).toThrow('expected #rrggbb');
}, 5000);

test('a list of labels with a line of many words', async () => {
  const file = await put('labels.txt', `${'a '.repeat(300_000)}cat\n`);
  const labels = readLabels(file, (text) => text === 'cat');
  expect([...labels.values()]).toEqual(['cat']);
  const plain = await put('plain.txt', 'my photo 3\na, b.jpg 4\nc.jpg 5 0.25\n');
  expect([...readLabels(plain, undefined)]).toEqual([
    ['my photo', 3],
    ['a, b.jpg', 4],
    ['c.jpg', 5],
  ]);
}, 5000);
