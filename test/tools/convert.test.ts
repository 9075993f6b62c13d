import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { dataFolder } from '../helpers/data-folder.js';
import { runInProcess } from '../helpers/in-process.js';

const folder = dataFolder();
const VOC =
  '<annotation><object><name>cat</name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>50</xmax><ymax>40</ymax></bndbox></object></annotation>';

function vocSet(): string {
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    folder.image(`voc/images/${name}.png`);
    folder.write(`voc/annotations/${name}.xml`, VOC);
  }
  return folder.at('voc');
}

test('data convert says what it read and wrote, and back again', async () => {
  const [yolo, back] = [folder.at('yolo'), folder.at('back')];
  const first = await runInProcess([
    ...['data', 'convert', vocSet(), '--to', 'yolo', '--out', yolo],
    ...['--val-fraction', '0.2', '--copy'],
  ]);
  expect(first.stdout).toBe(`${yolo}: train 4, val 1 images, 5 objects, 1 class\n`);
  expect(first.stderr).toContain('VOC boxes: train 5, 1 class; 0.2 of the images for validation');
  expect(readFileSync(`${yolo}/data.yaml`, 'utf8')).toContain('names:\n  0: cat\n');
  const second = await runInProcess([
    'data',
    'convert',
    yolo,
    '--to',
    'voc',
    '--out',
    back,
    '--json',
  ]);
  expect(JSON.parse(second.stdout)).toMatchObject({
    folder: back,
    format: 'voc',
    images: { train: 4, val: 1 },
    objects: 5,
    classes: ['cat'],
  });
});

test.each([
  [['--to', 'x'], '--to: expected one of coco, yolo, voc, labelme, masks, cvat, got x'],
  [['--to', 'yolo', '--copy', '--link'], '--copy, --link: expected one of them, got both'],
  [['--to', 'yolo', '--layout', 'coco'], '--layout coco: expected a layout that fits'],
  [['--to', 'yolo', '--classes', 'cat,,dog'], '--classes: expected names separated by commas'],
  [['--to', 'yolo', '--classes', 'cow'], 'expected names of categories (cat), got "cow"'],
  [['--to', 'yolo', '--val-fraction', '2'], '--val-fraction: expected a number from 0 to 1, got 2'],
])('data convert %j is refused, and nothing is written', async (options, message) => {
  const out = folder.at('out');
  const { code, stderr } = await runInProcess([
    'data',
    'convert',
    vocSet(),
    '--out',
    out,
    ...options,
  ]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  expect(existsSync(out)).toBe(false);
});

test('a folder of another kind is refused', async () => {
  for (const name of ['cat', 'dog']) folder.image(`set/${name}/a.png`);
  const { code, stderr } = await runInProcess([
    ...['data', 'convert', folder.at('set'), '--to', 'yolo', '--out', folder.at('out')],
  ]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('got a set for classification')]);
});

test.each([
  [
    ['--format', 'x', '--out', 'o'],
    '--format: expected one of coco, yolo, labelme, voc, cvat, got x',
  ],
  [['--format', 'coco'], '--format coco: expected --out DIR with it'],
])('predict %j is refused before anything is opened', async (options, message) => {
  const { code, stderr } = await runInProcess([
    'predict',
    'none',
    folder.image('a.png'),
    ...options,
  ]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});
