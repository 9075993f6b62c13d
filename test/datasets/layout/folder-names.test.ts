import { expect, test } from 'vitest';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { dataFolder } from '../../helpers/data-folder.js';

const data = dataFolder();
const yolo = (folder: string): void => {
  data.image(`${folder}/images/a.png`);
  data.write(`${folder}/labels/a.txt`, '0 0.5 0.5 0.5 0.5\n');
};

test('a set that was unpacked into a folder of its own is read there', async () => {
  yolo('my set');
  data.write('my set/classes.txt', 'nut\n');
  data.write('__MACOSX/._x', '');
  data.write('README.md', '');
  data.write('archive.zip', '');
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.line).toBe('YOLO boxes: train 1, 1 class; in my set/');
  expect((await loadDetectionSplit(layout, 'train')).annotations.ids.length).toBe(1);
  const named = await detectLayout(data.root, { kind: 'detection', classes: ['nut'] });
  expect(named.line).toMatch(/; in my set\/$/);
});

test('with what belongs to it beside, the folder is the set; errors are about what is in it', async () => {
  yolo('obj');
  data.write('obj.names', 'nut\n');
  await expect(detectLayout(data.root)).resolves.toMatchObject({ root: data.root });
  yolo('other/inner');
  data.write('other/inner/data.yaml', { train: 'images', names: ['nut'], kpt_shape: [2, 3] });
  await expect(detectLayout(data.at('other'))).rejects.toThrow('got keypoints (YOLO pose)');
});

test('names are those of Label Studio’s notes where there is no list of classes', async () => {
  yolo('.');
  data.write('notes.json', {
    categories: [
      { id: 1, name: 'bolt' },
      { id: 0, name: 'nut' },
    ],
  });
  const layout = (await detectLayout(data.root)) as DetectionData;
  expect(layout.splits['train'].names).toEqual(['nut', 'bolt']);
  data.write('notes.json', { categories: [{ id: 5, name: 'nut' }] });
  expect((await detectLayout(data.root)).line).toContain('without names');
});

test('a folder for each image, with its masks, is no set of classes', async () => {
  for (const name of ['id1', 'id2'])
    for (const file of [`images/${name}`, 'masks/1', 'masks/2']) data.image(`${name}/${file}.png`);
  await expect(detectLayout(data.root)).rejects.toThrow('expected a data set, looked for');
});
