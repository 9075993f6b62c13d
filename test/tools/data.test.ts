import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigError, DataError } from '../../core/errors.js';
import { defineData } from '../../tools/data.js';
import { train } from '../../train/train.js';
import { needsRealData, REAL_DATA } from '../helpers/leave-out.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'data-command-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
  vi.restoreAllMocks();
  process.exitCode = 0;
});

/** Runs `convnextv2 data …` in this process. */
async function run(
  ...args: readonly string[]
): Promise<{ readonly out: string; readonly log: string; readonly code: number }> {
  let [out, log] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((log += String(text)), true));
  vi.spyOn(console, 'log').mockImplementation((text) => void (out += `${String(text)}\n`));
  process.exitCode = 0;
  const program = new Command();
  defineData(program.command('data'));
  await program.parseAsync(['node', 'convnextv2', 'data', ...args]);
  vi.restoreAllMocks();
  return { out, log, code: Number(process.exitCode) };
}

const image = (id: number): object => ({ id, file_name: `${id}.jpg`, width: 64, height: 64 });
const object = (id: number, imageId: number): object => ({
  id,
  image_id: imageId,
  category_id: 1,
  bbox: [1, 1, 20, 20],
  area: 400,
  segmentation: [[1, 1, 21, 1, 21, 21, 1, 21]],
});

function writeCoco(
  name: string,
  images: readonly object[],
  annotations: readonly object[],
  category = 'cat',
): string {
  mkdirSync(join(root, 'annotations'), { recursive: true });
  const file = join(root, 'annotations', name);
  const categories = [{ id: 1, name: category }];
  writeFileSync(file, JSON.stringify({ images, annotations, categories }));
  return file;
}

test('check accepts a sound set and prints one JSON document', async () => {
  writeCoco('instances_train.json', [image(1)], [object(1, 1)]);
  writeCoco('instances_val.json', [image(2)], [object(2, 2)]);
  const { out, log, code } = await run('check', root, '--no-images', '--json');
  expect(code).toBe(0);
  expect(log).toContain('COCO layout: train');
  const report = JSON.parse(out) as Record<string, unknown>;
  expect(report).toMatchObject({ ok: true, errors: 0, warnings: 0, across: [] });
  expect(report['splits']).toMatchObject([
    { split: 'train', counts: { images: 1, annotations: 1, categories: 1 } },
    { split: 'val', findings: [{ code: 'images-unchecked' }] },
  ]);
});

test('check lists errors and ends with code 2', async () => {
  writeCoco(
    'instances_train.json',
    [image(1)],
    [object(1, 1), ...Array.from({ length: 8 }, (_, i) => object(i + 2, 9))],
  );
  const { out, code } = await run('check', root, '--no-images');
  expect(code).toBe(2);
  expect(out).toContain('error    8 x unknown-image: annotations of images that are not listed');
  expect(out).toContain('annotations[1] (id 2): expected a known image_id, got 9');
  expect(out).toContain('… and 3 more (--all)');
  expect(out).toContain('8 errors, 0 warnings: training refuses this set.');
  const all = await run('check', root, '--no-images', '--all');
  expect(all.out.match(/expected a known image_id/g)).toHaveLength(8);
});

test('check refuses what has nothing to train on, as training does', async () => {
  const tiny = { ...image(1), width: 64, height: 20 };
  const cases: readonly (readonly [readonly object[], readonly object[], string])[] = [
    [[], [], 'empty: files without images or categories'],
    [[image(1)], [], 'untrainable: training parts without an image to train on'],
    [[tiny], [object(1, 1)], 'untrainable: '],
  ];
  for (const [images, annotations, message] of cases) {
    const file = writeCoco('some.json', images, annotations);
    const { out, code } = await run('check', file, '--no-images');
    expect(out).toContain(`error    1 x ${message}`);
    expect(out).toContain('1 error, ');
    expect(code).toBe(2);
  }
  // A part to validate on may have images without objects.
  writeCoco('instances_train.json', [image(1)], [object(1, 1)]);
  writeCoco('instances_val.json', [image(2)], []);
  rmSync(join(root, 'annotations/some.json'));
  expect((await run('check', root, '--no-images')).code).toBe(0);
});

test('check says that training needs the images, too, which training then asks for', async () => {
  const file = writeCoco('some.json', [image(1)], [object(1, 1)]);
  const { out, code } = await run('check', file);
  expect(code).toBe(0);
  expect(out).toContain('no image folder found, which training needs: images/ beside the file');
  expect(out).toMatch(
    /fit for training, which also needs the folder of the images: none was found\.$/m,
  );
  const training = train('detect', { data: file, folder: join(root, 'run') });
  await expect(training).rejects.toThrow(/some\.json: expected the folder of its images beside it/);
});

test('check names the classes with their objects, and those that are probably one', async () => {
  const categories = ['traffic light', 'Traffic_Light', 'a', 'A'].map((name, k) => ({
    id: k + 1,
    name,
  }));
  const objects = [1, 2, 2].map((id, i) => ({ ...object(i + 1, 1), category_id: id }));
  const file = writeCoco('some.json', [], []);
  writeFileSync(file, JSON.stringify({ images: [image(1)], annotations: objects, categories }));
  const { out } = await run('check', file, '--no-images');
  expect(out).toContain('  classes: traffic light 1, Traffic_Light 2; 2 others have none\n');
  expect(out).toContain('warning  1 x class-alike: ');
  expect(out).toContain('"traffic light", "Traffic_Light"');
});

test('check names a rare class that differs from another by a letter', async () => {
  const names = ['raccoon', 'racoon', 'cat', 'bat', 'limit 30', 'limit 80', '1.5 l', '15 l', '-5'];
  const categories = names.map((name, k) => ({ id: k + 1, name }));
  const images = [1, 2, 3].map(image);
  const objects = Array.from({ length: 16 }, (_, i) => ({
    ...object(i + 1, 1 + (i % 3)),
    category_id: i < 10 ? 1 : i < 11 ? 2 : i < 15 ? 3 : 4,
    bbox: [i, 1, 20, 20],
  }));
  const file = writeCoco('some.json', [], []);
  writeFileSync(file, JSON.stringify({ images, annotations: objects, categories }));
  const { out } = await run('check', file, '--no-images');
  expect(out).toContain('warning  1 x class-misspelled: ');
  expect(out).toContain('"racoon" (1) and "raccoon" (10)');
  expect(out).not.toContain('class-alike');
});

test('check looks for the classes that a data.yaml wants, and names them', async () => {
  writeCoco('some.json', [image(1)], [object(1, 1)]);
  const yaml = join(root, 'data.yaml');
  const part = '{annotations: annotations/some.json, images: .}';
  writeFileSync(yaml, `train: ${part}\nclasses: [cat]\n`);
  const good = await run('check', yaml, '--no-images');
  expect([good.code, good.log]).toEqual([0, expect.stringContaining('; classes cat\n')]);
  expect(good.out).toContain('the images were not looked at');
  writeFileSync(yaml, `train: ${part}\nclasses: [cat, cow]\n`);
  const bad = await run('check', yaml, '--no-images');
  expect(bad.code).toBe(2);
  expect(bad.out).toContain('expected names of categories (cat), got "cow"');
});

test('check compares the splits: categories, and images that are in both', async () => {
  writeCoco('instances_train.json', [image(1), image(2)], [object(1, 1), object(2, 2)]);
  writeCoco('instances_val.json', [image(2)], [object(3, 2)], 'dog');
  const { out, code } = await run('check', root, '--no-images', '--json');
  expect(code).toBe(2);
  const { across } = JSON.parse(out) as { across: { code: string; count: number }[] };
  expect(across.map(({ code: name, count }) => [name, count])).toEqual([
    ['categories-differ', 1],
    ['split-overlap', 1],
  ]);
});

test('check looks at result files against their split', async () => {
  writeCoco('instances_train.json', [image(1)], [object(1, 1)]);
  writeCoco('instances_val.json', [image(2)], [object(2, 2)]);
  const results = join(root, 'results.json');
  const result = { image_id: 2, category_id: 1, score: 0.5, bbox: [1, 1, 2, 2] };
  writeFileSync(results, JSON.stringify([result]));
  const good = await run('check', root, '--no-images', '--results', results);
  expect(good.code).toBe(0);
  expect(good.out).toContain(`${results} on val: 1 detections`);
  writeFileSync(results, JSON.stringify([result, { ...result, image_id: 7 }]));
  const bad = await run('check', root, '--no-images', '--results', results);
  expect(bad.code).toBe(2);
  expect(bad.out).toContain('[1]: expected a known image_id, got 7');
});

test('stats count what the check accepts', async () => {
  const file = writeCoco('some.json', [image(1), image(2)], [object(1, 1), object(2, 1)]);
  const { out } = await run('stats', file, '--json');
  const { splits } = JSON.parse(out) as { splits: { train: unknown } };
  expect(splits.train).toMatchObject({
    images: 2,
    emptyImages: 1,
    annotations: 2,
    masks: { polygons: 2, severalPolygons: 0, runLengths: 0, none: 0 },
    sizes: { small: 2, medium: 0, large: 0 },
    objectsPerImage: { min: 0, median: 0, max: 2, mean: 1 },
    fullest: { imageId: 1, annotations: 2 },
    objectSides: { min: 20, median: 20, max: 20 },
    classes: [{ name: 'cat', categoryId: 1, annotations: 2, images: 1, crowds: 0 }],
    errors: 0,
  });
  expect((await run('stats', file)).out).toMatch(/cat +1 +2 +1 +0 +2 +0 +0/);
});

test('shapes are generated, pass the check and can be browsed', async () => {
  const folder = join(root, 'set');
  const made = await run(
    'shapes',
    '--out',
    folder,
    '--train',
    '3',
    '--val',
    '2',
    '--labels',
    '--json',
  );
  expect(JSON.parse(made.out)).toMatchObject({ folder, train: 3, val: 2 });
  for (const path of [folder, join(folder, 'segment.yaml')]) {
    const { out, code } = await run('check', path, '--decode');
    expect(out).toContain('No errors, 0 warnings');
    expect(code).toBe(0);
    expect((await run('stats', path)).out).toContain('train');
  }
  const page = join(root, 'page.html');
  const { out } = await run('browse', folder, '--out', page);
  expect(out).toBe(`${page}: 5 images, 0 to look at\n`);
  expect(existsSync(page)).toBe(true);
});

test('wrong usage is an error that names the option', async () => {
  const out = join(root, 'x');
  await expect(run('shapes', '--out', out, '--format', 'gif')).rejects.toThrow(ConfigError);
  await expect(run('browse', root, '--out', out, '--limit', '0')).rejects.toThrow('--limit');
  await expect(run('browse', root, '--out', out, '--thumbnail', '5')).rejects.toThrow(
    '--thumbnail',
  );
  await expect(run('check', join(root, 'none'))).rejects.toThrow(DataError);
});

describe('real sets', () => {
  needsRealData('coco-mini');

  test.each(['coco-mini', 'ade20k-mini', 'coco-annotations-only', 'imagenet-mini'])(
    'check, stats and browse run on %s without errors or warnings',
    async (name) => {
      const path = join(REAL_DATA, name);
      const { out, code } = await run('check', path);
      expect(out).toContain('No errors, 0 warnings');
      expect(code).toBe(0);
      expect((await run('stats', path)).out).not.toBe('');
      const page = join(root, 'page.html');
      const browsed = await run('browse', path, '--out', page, '--limit', '8', '--thumbnail', '64');
      expect(browsed.out).toContain(': 8 images, ');
    },
  );

  test('check reports the quirks that the README of imagenet-mini lists', async () => {
    const { out } = await run('check', join(REAL_DATA, 'imagenet-mini'), '--json');
    const { splits } = JSON.parse(out) as {
      splits: { findings: { code: string; count: number; examples: { message: string }[] }[] }[];
    };
    const found = new Map(splits[0].findings.map(({ code, ...finding }) => [code, finding]));
    expect(Object.fromEntries([...found].map(([code, { count }]) => [code, count]))).toEqual({
      grey: 6,
      orientation: 1,
      'invalid-orientation': 1,
      'colour-profile': 10,
      'same-name': 2,
      'class-unused': 880,
    });
    const messages = (code: string): unknown => found.get(code)?.examples.map((e) => e.message);
    expect(messages('orientation')).toEqual(['"n02951585_can_opener.JPEG"']);
    expect(messages('invalid-orientation')).toEqual(['"n01728572_thunder_snake.JPEG"']);
    expect(messages('same-name')).toEqual([
      expect.stringContaining('"crane": '),
      expect.stringContaining('"maillot": '),
    ]);
  });

  test('stats agree with the counts that the README of coco-mini gives', async () => {
    const { out } = await run('stats', join(REAL_DATA, 'coco-mini'), '--json');
    const { splits } = JSON.parse(out) as { splits: Record<string, unknown> };
    expect(splits['train']).toMatchObject({
      images: 150,
      annotations: 1314,
      crowds: 19,
      masks: { severalPolygons: 92 },
      sizes: { small: 630, medium: 427, large: 257 },
      fullest: { annotations: 42 },
    });
    expect(splits['val']).toMatchObject({
      images: 60,
      annotations: 688,
      crowds: 15,
      masks: { severalPolygons: 51 },
      sizes: { small: 339, medium: 233, large: 116 },
      fullest: { annotations: 45 },
    });
  });
});
