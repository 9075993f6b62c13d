import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { divideSet } from '../../../datasets/divide/divide.js';
import { imagesWithClasses, loadPart, partNames } from '../../../datasets/divide/images.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { path } = temporaryFolder();
const OPTIONS = { valFraction: 0.25, testFraction: 0, seed: 1, images: 'link' } as const;
const NAMES = Array.from({ length: 8 }, (_, i) => `clip${i >> 1}_${i % 2}`);

let pixels: Buffer;
beforeAll(async () => {
  const data = { width: 40, height: 40, channels: 3, background: '#345' } as const;
  pixels = await sharp({ create: data }).png().toBuffer();
});

/** Names of the images of every part of a written set. */
async function partsOf(folder: string): Promise<Record<string, readonly string[]>> {
  const data = await detectLayout(folder);
  const entries = await Promise.all(
    partNames(data).map(
      async (part) => [part, (await imagesWithClasses(await loadPart(data, part))).names] as const,
    ),
  );
  return Object.fromEntries(entries);
}

/** Clips without their frames. */
const clips = (names: readonly string[] = []): string[] =>
  [...new Set(names.map((name) => /clip\d/.exec(name)?.[0] ?? ''))].sort();

function writeYolo(): string {
  const root = path('yolo');
  for (const folder of ['images', 'labels']) mkdirSync(join(root, folder), { recursive: true });
  NAMES.forEach((name, i) => {
    writeFileSync(join(root, 'images', `${name}.png`), pixels);
    writeFileSync(
      join(root, 'labels', `${name}.txt`),
      i === 7 ? '' : `${i % 2} 0.5 0.5 0.5 0.25\n`,
    );
  });
  writeFileSync(join(root, 'data.yaml'), 'train: images\nnames: [cat, dog]\n');
  return root;
}

test('a YOLO set becomes COCO files and a data.yaml, with the frames of a clip in one part', async () => {
  const root = writeYolo();
  const folder = path('yolo-parts');
  const data = await detectLayout(root);
  const divided = await divideSet(data, folder, { ...OPTIONS, group: '^(clip\\d)_' });
  expect(divided.groups).toBe(4);
  expect(divided.classes).toEqual(['cat', 'dog']);
  const { train, val } = await partsOf(folder);
  expect([train.length, val.length]).toEqual([6, 2]);
  expect([...clips(train), ...clips(val)].sort()).toEqual(['clip0', 'clip1', 'clip2', 'clip3']);
  const written = await loadPart(await detectLayout(folder), 'val');
  const before = await loadPart(data, 'train');
  if (written.kind !== 'detection' || before.kind !== 'detection') throw new Error('kind');
  const boxesOf = ({ set }: typeof written, name: string): number[] => {
    const image = set.images.fileNames.findIndex((file) => file.endsWith(name));
    return [...set.order.subarray(set.starts[image], set.starts[image + 1])].flatMap((row) => [
      set.classIndices[row],
      ...set.annotations.boxes.subarray(4 * row, 4 * row + 4),
    ]);
  };
  for (const name of val) expect(boxesOf(written, name)).toEqual(boxesOf(before, name));
});

test('a segmentation set becomes lists and a data.yaml', async () => {
  const root = path('segment');
  for (const folder of ['images/a', 'labels/a']) mkdirSync(join(root, folder), { recursive: true });
  for (const [i, name] of NAMES.entries()) {
    writeFileSync(join(root, 'images/a', `${name}.png`), pixels);
    const label = await sharp(Buffer.alloc(1600, i === 0 ? 1 : 0), {
      raw: { width: 40, height: 40, channels: 1 },
    })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    writeFileSync(join(root, 'labels/a', `${name}.png`), label);
  }
  writeFileSync(join(root, 'classes.txt'), 'road\nsign\n');
  const folder = path('segment-parts');
  const divided = await divideSet(await detectLayout(root), folder, OPTIONS);
  expect(divided.parts.map(({ name, images }) => [name, images])).toEqual([
    ['train', 6],
    ['val', 2],
  ]);
  // The only image of the second class is trained on.
  expect(divided.parts.map(({ imagesWith }) => imagesWith)).toEqual([
    [5, 1],
    [2, 0],
  ]);
  const parts = await partsOf(folder);
  expect([...parts['train'], ...parts['val']].sort()).toEqual(NAMES.map((n) => `a/${n}.png`));
  writeFileSync(join(folder, 'val.txt'), 'a/clip0_0.png\na/nothing.png\n');
  await expect(partsOf(folder)).rejects.toThrow(
    /val\.txt: expected names of images in .*images, got "a\/nothing\.png"/,
  );
});

test('class folders become class folders, with the order of the classes', async () => {
  const root = path('classify');
  for (const [k, name] of ['zebra', 'ant'].entries()) {
    mkdirSync(join(root, name), { recursive: true });
    for (let i = 0; i < 4; i++) writeFileSync(join(root, name, `clip${k}_${i}.png`), pixels);
  }
  writeFileSync(join(root, 'classes.txt'), 'zebra\nant\n');
  const folder = path('classify-parts');
  const divided = await divideSet(await detectLayout(root), folder, { ...OPTIONS, images: 'copy' });
  expect(divided.parts.map(({ imagesWith }) => imagesWith)).toEqual([
    [3, 3],
    [1, 1],
  ]);
  const data = await detectLayout(folder);
  const val = await loadPart(data, 'val');
  expect(val.kind === 'classification' && val.set.classes.map(({ key }) => key)).toEqual([
    'zebra',
    'ant',
  ]);
  expect(readdirSync(join(folder, 'val', 'zebra'))).toHaveLength(1);
});

test('a divided set needs --part, and nothing is left where a set cannot be divided', async () => {
  const root = path('two');
  for (const file of ['train/a/1.png', 'train/b/2.png', 'train/b/3.png', 'val/a/4.png']) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), pixels);
  }
  const data = await detectLayout(root);
  const folder = path('two-parts');
  await expect(divideSet(data, folder, OPTIONS)).rejects.toThrow(
    /expected a set that is not divided, got train, val; give --part/,
  );
  await expect(divideSet(data, folder, { ...OPTIONS, part: 'test' })).rejects.toThrow(
    /expected a part train, val, got test/,
  );
  await expect(divideSet(data, folder, { ...OPTIONS, part: 'val' })).rejects.toThrow(
    /expected at least 2 images or groups/,
  );
  expect(existsSync(folder)).toBe(false);
  await divideSet(data, folder, { ...OPTIONS, part: 'train' });
  const { train, val } = await partsOf(folder);
  expect([train.length, val.length]).toEqual([2, 1]);
});
