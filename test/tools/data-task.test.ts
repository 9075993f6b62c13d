import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeLabelPng } from '../../io/png/write.js';
import { decodePngIndices } from '../../io/png/indices.js';
import { dataFolder } from '../helpers/data-folder.js';
import { runInProcess } from '../helpers/in-process.js';

const folder = dataFolder();

/** Polygons of LabelMe: objects for a detector, labels of pixels for a segmenter. */
function polygons(): string {
  for (const name of ['a', 'b']) {
    folder.image(`set/${name}.png`, 40, 30);
    folder.write(`set/${name}.json`, {
      imagePath: `${name}.png`,
      imageWidth: 40,
      imageHeight: 30,
      shapes: [{ label: 'cat', points: [5, 15, 15].map((x, i) => [x, i === 2 ? 20 : 5]) }],
    });
  }
  return folder.at('set');
}

test('polygons are counted and shown as labels with --task segment', async () => {
  const set = polygons();
  const objects = await runInProcess(['data', 'stats', set, '--json']);
  expect(JSON.parse(objects.stdout)).toMatchObject({ splits: { train: { annotations: 2 } } });
  const labels = await runInProcess(['data', 'stats', set, '--task', 'segment', '--json']);
  expect(JSON.parse(labels.stdout)).toMatchObject({
    recognised: { kind: 'segmentation' },
    splits: { train: { classes: [{ name: 'background' }, { name: 'cat', images: 2 }] } },
  });
  const page = folder.at('page.html');
  const browse = ['data', 'browse', set, '--task', 'segment', '--out', page, '--json'];
  expect(JSON.parse((await runInProcess(browse)).stdout)).toMatchObject({ images: 2 });
  expect(readFileSync(page, 'utf8')).toContain('"kind":"segmentation"');
  const wrong = await runInProcess(['data', 'stats', set, '--task', 'segmentation']);
  expect(wrong.stderr).toContain('--task: expected classify, detect or segment, got segmentation');
  expect(wrong.code).toBe(2);
});

test('convert --task segment --to masks writes labels that are read again as they were', async () => {
  const [set, out] = [polygons(), folder.at('out')];
  const convert = ['data', 'convert', set, '--task', 'segment', '--to', 'masks', '--copy'];
  const { stdout, stderr } = await runInProcess([...convert, '--out', out]);
  expect(stderr).not.toContain('Error');
  expect(stdout).toBe(`${out}: train 2 images, 2 classes\n`);
  expect(readFileSync(`${out}/data.yaml`, 'utf8')).toBe(
    'train:\n  images: images/train\n  labels: labels/train\nclasses:\n  - background\n  - cat\n',
  );
  const png = decodePngIndices(readFileSync(`${out}/labels/train/a.png`), 'a.png');
  expect([png.width, png.height]).toEqual([40, 30]);
  const count = Array.from(png.data).reduce((sum, value) => sum + Number(value === 1), 0);
  expect(count).toBeGreaterThan(60);
  expect(png.data[6 + 40 * 5] + png.data[14 + 40 * 8]).toBe(2);
  const again = await runInProcess(['data', 'check', out]);
  expect(again.stdout).toContain('training accepts this set');
});

test('colors become numbers, and ignored pixels 255', async () => {
  folder.image('set/images/a.png', 4, 2);
  folder.image('set/images/sub/a.png', 4, 2);
  const data = Uint8Array.of(10, 10, 20, 20, 10, 20, 255, 255);
  for (const path of ['a', 'sub/a'])
    folder.write(`set/masks/${path}.png`, encodeLabelPng({ width: 4, height: 2, data }));
  folder.write(
    'set/data.yaml',
    'train: { images: images, labels: masks }\nvalues: { sky: 10, road: 20 }\n',
  );
  const out = folder.at('out');
  const { stdout, stderr } = await runInProcess([
    ...['data', 'convert', folder.at('set'), '--to', 'masks', '--out', out],
  ]);
  expect(stderr).not.toContain('Error');
  expect(stdout).toContain('train 2 images, 2 classes');
  for (const name of ['a', 'a-2'])
    expect([
      ...decodePngIndices(readFileSync(`${out}/labels/train/${name}.png`), name).data,
    ]).toEqual([0, 0, 1, 1, 0, 1, 255, 255]);
  const wrong = await runInProcess([
    ...['data', 'convert', folder.at('set'), '--to', 'coco', '--out', folder.at('no')],
  ]);
  expect(wrong.stderr).toContain(
    'expected images with boxes or masks (labels of pixels: --to masks), got a set for segmentation',
  );
});

test('names are not repeated in findings, and single things are counted as such', async () => {
  folder.image('set/images/x.png', 40, 20);
  folder.write('set/classes.txt', 'cat\n');
  folder.write('set/labels/x.txt', '0 0.5 0.5 0.5 0.5\n');
  const { stdout } = await runInProcess(['data', 'check', folder.at('set')]);
  expect(stdout).toContain('train: 1 image, 1 annotation, 1 category\n');
  expect(stdout).not.toMatch(/"x\.png": "x\.png"/);
});

test('a reader that ends early is no error', async () => {
  for (let i = 0; i < 400; i++) folder.image(`set/images/${i}.png`, 40, 40);
  folder.write('set/classes.txt', 'cat\n');
  for (let i = 0; i < 400; i++)
    folder.write(`set/labels/${i}.txt`, '7 0.5 0.5 0.5 0.5\n'.repeat(9));
  const check = ['dist/tools/cli.js', 'data', 'check', folder.at('set'), '--all'];
  const child = spawn(process.execPath, check, { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = (await once(child, 'close')) as [number];
  // A busy machine says what takes long.
  expect(errors.replace(/^loading .*\n/, '')).toBe('YOLO boxes: train 400, 1 class\n');
  expect(code).toBe(2);
}, 60_000);
