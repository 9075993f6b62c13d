import { symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { checkData } from '../../datasets/check.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { isFolder, listFiles, statsOf } from '../../io/files/list.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { path, put } = temporaryFolder();

test('what cannot be reached is no folder: links in a loop, names that are too long', () => {
  symlinkSync('b', path('a'));
  symlinkSync('a', path('b'));
  for (const name of [path('a'), path('none'), path('n'.repeat(300)), path('a/c')]) {
    expect(isFolder(name)).toBe(false);
    expect(statsOf(name)).toBe(undefined);
    expect(listFiles(name, () => true)).toEqual([]);
  }
});

test.each([
  ['class folders', { 'train/cat/a.png': '', 'train/dog/b.png': '' }],
  ['YOLO', { 'images/a.png': '', 'labels/a.txt': '0 .5 .5 .1 .1\n', 'classes.txt': 'cat\n' }],
  ['instance masks', { 'PNGImages/a.png': '', 'PedMasks/a.png': '' }],
])('links in a loop within a set (%s) are left out', async (name, files) => {
  const picture = await sharp({
    create: { width: 32, height: 32, channels: 3, background: '#000' },
  })
    .png()
    .toBuffer();
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(path(`${name}/${file}`)), { recursive: true });
    await put(`${name}/${file}`, text || picture);
  }
  const folders = Object.keys(files).map((file) => dirname(file));
  for (const folder of new Set(['.', 'deep', ...folders])) {
    await mkdir(path(`${name}/${folder}`), { recursive: true });
    for (const link of ['loop', 'loop.txt']) symlinkSync(link, path(`${name}/${folder}/${link}`));
  }
  const data = await detectLayout(path(name));
  await expect(checkData(data, { images: 'headers', maxExamples: 3 })).resolves.toBeDefined();
});
