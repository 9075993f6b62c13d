import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FileNames } from '../../../datasets/annotations/file-names.js';
import { TableBuilder } from '../../../datasets/annotations/table-builder.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A collection leaves buffers to a thread that frees them later. */
const WAIT = { timeout: 20_000, interval: 50 };

test('the tables of a set hold columns without room to spare, and nothing of their builder', async () => {
  const count = 20_000;
  const build = (images: number) => {
    const builder = new TableBuilder({ file: 'all', report: () => undefined, where: String });
    for (let i = 0; i < images; i++) {
      builder.addImage({ fileName: `${i}.png`, width: 64, height: 48, file: `labels/${i}.txt` });
      builder.addObject({ position: i, label: 'cat', box: [1, 2, 3, 4] });
    }
    return builder.finish();
  };
  build(10);
  collect();
  const before = process.memoryUsage();
  const tables = build(count);
  const perImage = (kind: 'arrayBuffers' | 'heapUsed') => {
    collect();
    return (process.memoryUsage()[kind] - before[kind]) / count;
  };
  expect(tables.annotations.ids).toHaveLength(count);
  // 8-byte columns for ids, image, class, area, number of keypoints, mask, and 4 for the box; 4-byte ones for the rest.
  await expect.poll(() => perImage('arrayBuffers'), WAIT).toBeLessThan(160);
  // The name of an image, its place in a list, and fractions of what collection leaves.
  await expect.poll(() => perImage('heapUsed'), WAIT).toBeLessThan(80);
  expect(tables.places?.annotation(7)).toEqual({ file: 'labels/7.txt', where: '7' });
});

test('paths of annotation files are those of the images with other beginnings and ends', () => {
  const names = new FileNames();
  const files = [
    ['labels/a/1.txt', 'a/1.jpg'],
    ['labels/a/2.txt', 'a/2.jpg'],
    ['elsewhere.xml', 'a/3.jpg'],
    ['x/a.b/a.b.json', 'a.b.tif'],
    ['all.csv', ''],
    ['a', 'a'],
  ] as const;
  for (const [file, image] of files) names.add(file, image);
  names.finish();
  expect(files.map(([, image], i) => names.at(i, image))).toEqual(files.map(([file]) => file));
});
