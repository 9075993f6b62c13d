import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DetectResult } from '../core/results.js';
import { blankPicture } from '../report/overlay/picture.js';
import { searchFonts } from '../report/overlay/fonts.js';
import { draw } from '../report/draw.js';
import { dataFolder } from './helpers/data-folder.js';
import { runInProcess } from './helpers/in-process.js';
import { SMALL_RECIPES } from './helpers/small-recipes.js';

/** Names whose scripts need shaping, or fonts that no machine must have. */
const UNDRAWABLE = ['قطة', 'แมวน้ำ', 'हाथी', 'חתול', '猫', '고양이', '🐈', '👨‍👩‍👧', '\uE000', 'cat 猫'];
/** Latin, Greek and Cyrillic, with marks. */
const DRAWABLE = ['écrou', 'мышь', 'γάτα', 'Việt', 'x\u0302 y\u0323'];

// Fonts differ between machines.
beforeAll(() => searchFonts([]));
afterAll(() => searchFonts());
const { at, write, image } = dataFolder();

/** Digest of the overlay of an object of a name. */
async function overlay(name: string, classIndex = 3): Promise<string> {
  const picture = blankPicture(200, 100, [90, 90, 90]);
  const object = { classIndex, categoryId: 1, name, score: 0.5, box: [20, 30, 150, 60] as const };
  const result: DetectResult = { task: 'detect', width: 200, height: 100, objects: [object] };
  const { data } = await draw(result, picture);
  return createHash('sha256').update(data).digest('hex');
}

test('a name is drawn, or the index of its class: never squares', async () => {
  const index = await overlay('class 3');
  for (const name of UNDRAWABLE) expect(await overlay(name), name).toBe(index);
  for (const name of DRAWABLE) {
    const drawn = await overlay(name);
    expect(drawn, name).not.toBe(index);
    expect(await overlay(name.normalize('NFD')), name).toBe(drawn);
  }
  expect(await overlay('e\u200d\u200b\u2060crou')).toBe(await overlay('ecrou'));
});

test('classes and files of any script are checked, browsed, trained, reported and predicted', async () => {
  const names = [...UNDRAWABLE.slice(0, 7), 'écrou'];
  const files = [names[0], names[5], names[6] + names[7]].map((name) => `${name} 1.png`);
  const size = { width: 64, height: 48 };
  for (const part of ['train', 'val']) {
    // Names are in one form in the annotations, in the other on the disk.
    for (const file of files) image(`set/${part}/${file.normalize('NFD')}`);
    write(`set/annotations/instances_${part}.json`, {
      categories: names.map((name, k) => ({ id: k + 1, name })),
      images: files.map((file, i) => ({ id: i + 1, file_name: file.normalize('NFC'), ...size })),
      annotations: names.map((_, k) => ({
        id: k + 1,
        image_id: (k % 3) + 1,
        category_id: k + 1,
        bbox: [8, 8, 30, 30],
        area: 900,
        iscrowd: 0,
        segmentation: [[8, 8, 38, 8, 38, 38, 8, 38]],
      })),
    });
  }
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runInProcess(args);
    expect(code, stderr).toBe(0);
    return stdout + stderr;
  };
  expect(await run('data', 'check', at('set'))).toContain('training accepts this set');
  await run('data', 'browse', at('set'), '--out', at('set.html'));
  await run('data', 'stats', at('set'), '--out', at('stats.html'));
  const { recipe, settings } = SMALL_RECIPES.detect;
  const few = ['evaluation.thresholds.maxPerImage=4', 'workers=0'];
  const set = [...settings, ...few].flatMap((setting) => ['--set', setting]);
  await run(...['train', recipe, '--data', at('set'), '--out', at('run'), '--steps', '1', ...set]);
  for (const page of ['set.html', 'stats.html', 'run/report.html']) {
    const html = readFileSync(at(page), 'utf8');
    for (const name of names) expect(html, `${page}: ${name}`).toContain(name);
  }
  const images = files.map((file) => join(at('set'), 'val', file.normalize('NFD')));
  const text = await run('predict', at('run'), ...images, '--out', at('out'), '--score', '0');
  expect(readdirSync(at('out')).filter((file) => file.endsWith('.png'))).toHaveLength(files.length);
  expect(names.some((name) => text.includes(name))).toBe(true);
}, 60_000);
