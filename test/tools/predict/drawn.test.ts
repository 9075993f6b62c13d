import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { runInProcess } from '../../helpers/in-process.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const FIXTURES = resolve(import.meta.dirname, '../../fixtures');
const RUN = join(FIXTURES, 'previous-version/detect');
const CLASSIFIER = join(FIXTURES, 'small/backbone_official.pth');
const PHOTO = join(FIXTURES, 'small/preprocess_q90_420.jpg');
const { path } = temporaryFolder();
const before = process.cwd();
let here: string;
let count = 0;

beforeEach(() => {
  here = path(`folder${count++}`);
  mkdirSync(here);
  process.chdir(here);
});
afterAll(() => process.chdir(before));

test('without --out a detector draws what it sees to the folder predictions', async () => {
  const { code, stderr } = await runInProcess(['predict', RUN, PHOTO]);
  expect(stderr).toContain('predictions');
  expect(code).toBe(0);
  expect(readdirSync('predictions')).toContain('preprocess_q90_420.png');
  const again = await runInProcess(['predict', RUN, 'predictions/preprocess_q90_420.png']);
  expect([again.code, readdirSync('predictions').length]).toEqual([
    0,
    readdirSync('predictions').length,
  ]);
});

test('not for a classifier, with --json, or for many images', async () => {
  mkdirSync('many');
  for (let i = 0; i < 17; i++) copyFileSync(PHOTO, join('many', `${i}.jpg`));
  for (const args of [
    [CLASSIFIER, PHOTO, '--size', '32'],
    [RUN, PHOTO, '--json'],
    [RUN, 'many'],
  ])
    expect((await runInProcess(['predict', ...args])).code).toBe(0);
  expect(readdirSync('.')).toEqual(['many']);
});

test('what stands in the way is told, and the text is printed all the same', async () => {
  writeFileSync('predictions', 'a file');
  const { code, stdout, stderr } = await runInProcess(['predict', RUN, PHOTO]);
  expect(stderr).toContain('not drawn: ');
  expect([code, stdout.length > 0]).toEqual([0, true]);
  chmodSync('predictions', 0o644);
});
