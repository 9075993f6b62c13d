import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { encodeRgbPng } from '../../../io/png/write.js';
import { classify } from '../../../train/tasks/classify.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { path, put } = temporaryFolder();
const PIXEL = encodeRgbPng({ width: 1, height: 1, data: new Uint8Array(3) });

test('classes without a val folder are scored on the training images, with a way to hold some out where they can be divided', async () => {
  for (const folder of ['flat/a', 'flat/b', 'parts/train/a', 'parts/train/b']) {
    mkdirSync(path(folder), { recursive: true });
    for (const name of ['1.png', '2.png']) await put(`${folder}/${name}`, PIXEL);
  }
  const line = async (name: string, valFraction?: number): Promise<string | undefined> =>
    (await classify.load(path(name), { valFraction, seed: 0 })).lines[1];
  const plain = 'no val folder: the scores are on the training images';
  expect(await line('flat')).toBe(`${plain}; --val-fraction 0.2 holds some out`);
  expect(await line('parts')).toBe(plain);
  await expect(line('parts', 0.5)).rejects.toThrow(/expected a set without splits to divide/);
  expect(await line('flat', 0.5)).toMatch(/^2 validation images/);
});
