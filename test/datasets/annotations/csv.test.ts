import { expect, test } from 'vitest';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { boxesOf, dataFolder, tablesOf } from '../../helpers/data-folder.js';

const data = dataFolder();

test('keras-retinanet: paths, backgrounds, and classes.csv with the order', async () => {
  for (const name of ['a', 'b', 'c']) data.image(`img/${name}.png`);
  data.write(
    'annotations.csv',
    'img/a.png,1,2,11,22,cow\nimg/b.png,,,,,\nimg/c.png,5,6,7,9,ape\nimg/a.png,3,3,9,9,ape\n',
  );
  data.write('classes.csv', 'cow,1\nape,0\n');
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.line).toBe('CSV boxes: train 3, 2 classes');
  const { tables } = await tablesOf(layout.splits['train']);
  expect(tables.categories.map(({ name }) => name)).toEqual(['ape', 'cow']);
  expect(tables.images.fileNames).toHaveLength(3);
  const [a] = tables.images.fileNames;
  expect(boxesOf(tables, a)).toEqual([
    [1, 2, 10, 20],
    [3, 3, 6, 6],
  ]);
});

test('rows of another machine, with several spellings of the path of an image, of a spreadsheet', async () => {
  for (const camera of ['cam1', 'cam2']) data.image(`photos/${camera}/001.png`);
  data.write(
    'boxes.csv',
    '\ufeffsep=;\r\nFile path;X_min;Y_min;X_max;Y_max;Label\r\n' +
      'D:\\me\\set\\cam1\\001.png;1,5;2;11;22;cow\r\n"/home/me/cam2/001.png";5;6;7;9;ape\r\n' +
      './cam1/001.PNG;3;3;9;9;ape\r\n',
  );
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.line).toBe('CSV boxes: train 2, 2 classes');
  const { tables, lines } = await tablesOf(layout.splits['train']);
  expect(lines).toEqual([]);
  expect(boxesOf(tables, 'cam1/001.png')).toEqual([
    [1.5, 2, 9.5, 20],
    [3, 3, 6, 6],
  ]);
  expect(boxesOf(tables, 'cam2/001.png')).toEqual([[5, 6, 2, 3]]);
  expect(tables.images.fileNames).toHaveLength(2);
});

test('TensorFlow: a file for each split, images in folders of the same names', async () => {
  const header = 'filename,width,height,class,xmin,ymin,xmax,ymax\r\n';
  for (const [split, folder] of [
    ['train', 'train'],
    ['test', 'test'],
  ]) {
    data.image(`images/${folder}/1.png`, split === 'train' ? 64 : 80);
    data.write(`data/${split}_labels.csv`, `${header}1.png,64,48,raccoon,5,6,30,40\r\n`);
  }
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.line).toBe('CSV boxes: test 1, train 1, 1 class');
  const { tables, lines } = await tablesOf(layout.splits['test']);
  expect(tables.images.widths[0]).toBe(80);
  expect(boxesOf(tables, '1.png')).toEqual([[5, 6, 25, 34]]);
  expect(lines.map((line) => line.replaceAll(data.root, ''))).toEqual([
    'sizeListed /data/test_labels.csv: line 2: expected 80x48 of "1.png", got 64x48',
  ]);
  expect((await loadDetectionSplit(layout, 'train')).images.ids).toHaveLength(1);
});

test('labels.csv beside the images is of boxes, if its rows have them', async () => {
  for (const name of ['a.jpg', 'b.jpg']) data.image(name);
  data.write('labels.csv', 'image,x1,y1,x2,y2,class\na.jpg,5,5,30.5,30,cat\nb.jpg,5,5,30,30,dog\n');
  expect((await detectLayout(data.root)).line).toBe('CSV boxes: train 2, 2 classes');
  data.write('labels.csv', 'a.jpg,5,5,30.5,30,cat\nb.jpg,5,5,30,30,dog\n');
  expect((await detectLayout(data.root)).line).not.toMatch(/^ImageNet layout/);
  data.write(
    'labels.csv',
    'file,label,age,height,weight,score\na.jpg,cat,1,2,3,4\nb.jpg,dog,3,4,5,6\n',
  );
  expect((await detectLayout(data.root)).line).toMatch(/^ImageNet layout/);
});

test('Roboflow’s folders with _annotations.csv, and a file by itself', async () => {
  const header = 'filename,width,height,class,xmin,ymin,xmax,ymax\n';
  for (const split of ['train', 'valid']) {
    data.image(`${split}/a.png`);
    data.write(`${split}/_annotations.csv`, `${header}a.png,64,48,cup,1,2,3,4\n`);
  }
  expect((await detectLayout(data.root)).line).toBe('CSV boxes: train 1, val 1, 1 class');
  const single = await detectLayout(data.at('train/_annotations.csv'));
  expect(single.line).toBe('CSV boxes: train 1, 1 class');
});

test('wrong rows, missing images and swapped corners are reported with their line', async () => {
  data.image('a.png');
  data.write(
    'a.csv',
    'image,x1,y1,x2,y2,class\na.png,1,2,x,4,cow\nb.png,1,2,3,4,cow\na.png,30,40,10,20,cow\n',
  );
  const { tables, lines } = await tablesOf({
    format: 'csv',
    annotations: data.at('a.csv'),
    images: data.root,
  });
  expect(lines.map((line) => line.replaceAll(data.root, ''))).toEqual([
    'schema /a.csv: line 2: x2: expected a number, got "x"',
    'imageMissing /a.csv: line 3: expected the image b.png in , got none',
    'boxOrder /a.csv: line 4: expected x1 <= x2 and y1 <= y2, got 30, 40, 10, 20',
  ]);
  expect(boxesOf(tables, 'a.png')).toEqual([[10, 20, 20, 20]]);
});
