import { mkdirSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { afterEach, expect, test, vi } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { defineData } from '../../tools/data.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { path, put } = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

/** Runs `convnextv2 data split …` in this process. @returns what it prints */
async function split(...args: readonly string[]): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((out += String(text)), true));
  const program = new Command();
  defineData(program.command('data'));
  await program.parseAsync(['node', 'convnextv2', 'data', 'split', ...args]);
  vi.restoreAllMocks();
  return out;
}

/** Annotations alone: ten images of a cat, two of them of a dog, too. */
async function annotations(): Promise<string> {
  const box = { bbox: [1, 1, 20, 20], area: 400, iscrowd: 0 };
  return put(
    'instances.json',
    JSON.stringify({
      images: Array.from({ length: 10 }, (_, i) => ({
        id: i + 1,
        file_name: `${i + 1}.jpg`,
        width: 64,
        height: 64,
      })),
      annotations: Array.from({ length: 12 }, (_, i) => ({
        id: i + 1,
        image_id: 1 + (i % 10),
        category_id: i < 10 ? 1 : 2,
        ...box,
      })),
      categories: ['cat', 'dog'].map((name, k) => ({ id: k + 1, name })),
    }),
  );
}

test('the parts are printed with the images of each class, and classes that a part lacks', async () => {
  const out = await split(await annotations(), '--out', path('parts'), '--seed', '2');
  expect(out).toContain('parts: train 8, val 2 images');
  expect(out).toContain('val: no image of 1 of 2 classes: dog');
  expect(out).toMatch(/cat +8 +2\n +dog +2 +0/);
});

test('the JSON document has the counts', async () => {
  const file = await annotations();
  const out = await split(file, '--out', path('json'), '--val-fraction', '0.5', '--json');
  expect(JSON.parse(out.slice(out.indexOf('{')))).toMatchObject({
    groups: 10,
    classes: ['cat', 'dog'],
    parts: [
      { name: 'train', images: 5, imagesWith: [5, 1] },
      { name: 'val', images: 5, imagesWith: [5, 1] },
    ],
  });
});

test('bad options and a folder with files are refused', async () => {
  const file = await annotations();
  mkdirSync(path('full'));
  writeFileSync(path('full/x'), '');
  const refused = (args: readonly string[], message: RegExp): Promise<void> =>
    expect(split(file, ...args)).rejects.toThrow(message);
  await refused(['--out', path('full')], /full: expected a folder that is empty/);
  await refused(['--out', path('a'), '--copy', '--link'], /expected one of them, got both/);
  await refused(['--out', path('a'), '--group', '['], /--group: expected a regular expression/);
  await expect(split(file, '--out', path('a'), '--val-fraction', '2')).rejects.toThrow(ConfigError);
});
