import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { afterEach, expect, test, vi } from 'vitest';
import { defineData } from '../../tools/data.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { path } = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

/** Runs `convnextv2 data stats …` in this process. @returns what it prints */
async function stats(...args: readonly string[]): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const program = new Command();
  defineData(program.command('data'));
  await program.parseAsync(['node', 'convnextv2', 'data', 'stats', ...args]);
  vi.restoreAllMocks();
  return out;
}

/** A JPEG of 90 x 80 pixels with a pattern of the given period. */
function photo(period: number): Promise<Buffer> {
  const data = Uint8Array.from({ length: 90 * 80 * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 90, Math.floor(i / 270)];
    return 128 + 100 * Math.sin(x / period) * Math.cos(y / (period + 3));
  });
  return sharp(data, { raw: { width: 90, height: 80, channels: 3 } })
    .jpeg()
    .toBuffer();
}

/** A YOLO set whose image `val/copy.jpg` is `train/b.jpg` again, and of which `train/empty.jpg` has no object. */
async function yolo(): Promise<string> {
  const root = path('yolo');
  const files = { 'train/a': 5, 'train/b': 9, 'train/empty': 17, 'val/c': 26, 'val/copy': 9 };
  for (const [name, period] of Object.entries(files)) {
    for (const folder of ['images', 'labels'])
      mkdirSync(join(root, folder, name, '..'), { recursive: true });
    writeFileSync(join(root, 'images', `${name}.jpg`), await photo(period));
    writeFileSync(
      join(root, `labels/${name}.txt`),
      name.endsWith('empty') ? '' : '1 .5 .5 .5 .5\n',
    );
  }
  writeFileSync(
    join(root, 'data.yaml'),
    'train: images/train\nval: images/val\nnames: [cat, <dog>]\n',
  );
  return root;
}

test('the page has classes by part, histograms, images without objects and near duplicates', async () => {
  const file = path('page.html');
  const out = await stats(await yolo(), '--out', file);
  expect(out).toContain('near duplicates across the parts: 1 of 5 images');
  expect(out).toMatch(/val: \S*copy\.jpg is like train: \S*b\.jpg/);
  // 45 x 40 px of 90 x 80 in an image of 270 x 240: √(135 · 120).
  expect(out).toMatch(
    /after resizing +side 127\.3 to 127\.3, median 127\.3 px; 0\.0 % fit no anchor of detect/,
  );
  const page = readFileSync(file, 'utf8');
  expect(page).toContain('train: 2 objects');
  expect(page).toContain('&lt;dog&gt;');
  expect(page).not.toContain('<dog>');
  expect(page).toContain('1 of 3');
  expect(page).toMatch(/<td>train<\/td><td>\S*empty\.jpg<\/td>/);
  expect(page.match(/<svg [^>]*class="chart"/g)).toHaveLength(3);
  expect(page.match(/<img src="data:image\/jpeg;base64,/g)).toHaveLength(2);
  expect(page).not.toMatch(/<script|style="/);
});

test('the JSON document has the same facts, and duplicates only on request', async () => {
  const root = await yolo();
  const plain = JSON.parse(await stats(root, '--json')) as Record<string, unknown>;
  expect(plain['duplicates']).toBeUndefined();
  expect(plain['splits']).toMatchObject({
    train: {
      annotations: 2,
      withoutObjects: [expect.stringContaining('empty.jpg')],
      afterResizing: { recipe: 'detect', anchors: [16, 32, 64, 128, 256], poorlyFitted: 0 },
    },
  });
  const found = JSON.parse(await stats(root, '--json', '--duplicates')) as Record<string, unknown>;
  expect(found['duplicates']).toMatchObject({
    compared: 5,
    unreadable: [],
    pairs: [{ part: 'val', otherPart: 'train', distance: 0 }],
  });
});

test('an image that cannot be read is named, not skipped silently', async () => {
  const root = await yolo();
  const whole = await photo(26);
  writeFileSync(join(root, 'images/val/c.jpg'), whole.subarray(0, whole.length - 200));
  const out = await stats(root, '--duplicates');
  expect(out).toMatch(/1 could not be read: \S*c\.jpg/);
});

test('classes of classification sets are counted by part', async () => {
  const root = path('folders');
  for (const [i, name] of ['train/a/1', 'train/a/2', 'train/b/3', 'val/a/4'].entries()) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, `${name}.jpg`), await photo(5 + 8 * i));
  }
  const file = path('folders.html');
  await stats(root, '--out', file);
  const page = readFileSync(file, 'utf8');
  expect(page).toContain('train: 3 images');
  expect(page).toContain('val: 1 images');
  expect(page).not.toContain('class="chart"');
});

test('a recipe without anchors and a file in a missing place are refused before work', async () => {
  const root = await yolo();
  await expect(stats(root, '--recipe', 'classify')).rejects.toThrow(
    /--recipe classify: expected a recipe to detect/,
  );
  const file = join(root, 'data.yaml', 'page.html');
  await expect(stats(root, '--out', file)).rejects.toThrow(/expected a folder, got the file/);
  expect(existsSync(path('page2.html'))).toBe(false);
});
