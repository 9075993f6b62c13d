import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { clearDemo } from '../../tools/demo.js';
import { dataFolder } from '../helpers/data-folder.js';
import { runInProcess } from '../helpers/in-process.js';

const folder = dataFolder();

test('the demo deletes nothing that is not its own', async () => {
  folder.write('photos/data/mine.txt', 'mine');
  const out = folder.at('photos');
  const { code, stderr } = await runInProcess(['demo', '--out', out]);
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/--out .*photos: expected a new or empty folder.*other files \(data\)/),
  ]);
  expect(existsSync(folder.at('photos/data/mine.txt'))).toBe(true);
  expect(readdirSync(out)).toEqual(['data']);
});

test('an earlier demo is made anew; files beside its own stay', async () => {
  const out = folder.at('demo');
  const about = { images: 1, epochs: 1 };
  await clearDemo(out, about);
  for (const name of ['data/a.png', 'run/config.json', 'pictures/a.png', 'scores/b.json', 'notes'])
    folder.write(`demo/${name}`, '');
  await clearDemo(out, about);
  expect(readdirSync(out).sort()).toEqual(['demo.json', 'notes']);
});
