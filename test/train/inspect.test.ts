import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { trainingSamples } from '../../datasets/coco/samples.js';
import { train } from '../../train/train.js';
import { resolveConfig } from '../../train/config/resolve.js';
import { inspectForTraining } from '../../train/inspect.js';
import { TASKS } from '../../train/tasks/index.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { runInProcess } from '../helpers/in-process.js';
import { buildPng } from '../helpers/png.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import { tinyCoco, writeGray, writeTinyCoco, type TinyCoco } from '../helpers/tiny-coco.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-inspect-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const check = (
  path = root,
  ...flags: readonly string[]
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> =>
  runInProcess(['data', 'check', path, ...flags]);

/** Trains a small detector; the sets of these tests are refused before an engine is opened. */
const trainDetector = (data = root, ...set: readonly string[]): ReturnType<typeof train> =>
  train('detect', {
    data,
    folder: join(root, 'run'),
    report: false,
    steps: 1,
    set: [...SMALL_RECIPES.detect.settings, 'workers=0', ...set],
  });

/** Verdict of training on a set. */
async function verdict(data = root): Promise<{
  readonly lines: readonly string[];
  readonly boxesOnly: boolean;
  readonly refused: readonly string[];
  readonly training: CocoSet;
}> {
  const { config } = resolveConfig('detect', { set: SMALL_RECIPES.detect.settings });
  const sets = await TASKS.detect.load(data, { seed: 0 });
  const { lines, boxesOnly, parts } = await inspectForTraining(sets, TASKS.detect, config);
  const refused = parts.flatMap(({ findings }) =>
    findings.filter(({ severity }) => severity === 'error').map(({ code }) => code),
  );
  return { lines, boxesOnly, refused, training: sets.training as CocoSet };
}

type Change = (parts: { readonly train: TinyCoco; readonly val: TinyCoco }) => void;
const every = (part: TinyCoco, fields: object): void =>
  part.annotations.forEach((annotation) => Object.assign(annotation, fields));

describe('check and training refuse alike, before any work', () => {
  test.each<[string, Change, RegExp]>([
    [
      'crowds alone',
      ({ train: part }) => every(part, { iscrowd: 1 }),
      /8 annotations, 0 to train on \(8 x crowd\)/,
    ],
    [
      'areas of 0',
      ({ train: part }) => every(part, { area: 0 }),
      /8 annotations, 0 to train on \(8 x area-not-positive\)/,
    ],
    [
      'ignored objects alone',
      ({ train: part }) => every(part, { ignore: 1 }),
      /8 annotations, 0 to train on \(8 x ignored\)/,
    ],
    [
      'several reasons',
      ({ train: part }) => {
        every(part, { ignore: 1 });
        part.annotations[0]['iscrowd'] = 1;
        part.annotations[1]['ignore'] = 0;
        part.annotations[1]['bbox'] = [500, 500, 4, 4];
      },
      /8 annotations, 0 to train on \(1 x crowd, 1 x box-outside, 6 x ignored\)/,
    ],
    [
      'masks of some validation objects',
      ({ val }) => delete val.annotations[1]['segmentation'],
      /annotations\[1\] \(id 1011\): expected a mask .* in image 101/,
    ],
    [
      'masks of some training objects',
      ({ train: part }) => (part.annotations[3]['segmentation'] = []),
      /annotations\[3\] \(id 21\): expected a mask .* 1 of 8 objects; train boxes only with (--set|`set`) detector\.masks=null/s,
    ],
    [
      'another size than listed in validation',
      ({ val }) => Object.assign(val.images[1], { width: 72, height: 96 }),
      /images\[1\] \(id 102\): expected 72x96 as listed, got 96x72 in .*p102\.png/,
    ],
    [
      'another size than listed in training',
      ({ train: part }) => Object.assign(part.images[3], { width: 95 }),
      /images\[3\] \(id 4\): expected 95x72 as listed, got 96x72 in .*p4\.png/,
    ],
    [
      'a class that only validation has',
      ({ val }) => (val.categories[1]['name'] = 'gear'),
      /expected the 2 classes of .*: "gear" is none of them, "nut" is missing/,
    ],
  ])('%s', async (_, change, message) => {
    writeTinyCoco(root, change);
    const { code, stdout } = await check();
    expect([code, stdout]).toEqual([2, expect.stringMatching(message)]);
    expect(stdout).toContain('training refuses this set');
    await expect(trainDetector()).rejects.toThrow(message);
    expect(readdirSync(root)).not.toContain('run');
  });

  test('a damaged image is found by --decode, and the check says when it did not decode', async () => {
    writeTinyCoco(root);
    const file = join(root, 'train/p2.png');
    writeFileSync(file, readFileSync(file).subarray(0, 90));
    const quick = await check();
    expect([quick.code, quick.stdout]).toEqual([
      0,
      expect.stringContaining('training accepts this set (pixels were not decoded: --decode)'),
    ]);
    const whole = await check(root, '--decode');
    expect([whole.code, whole.stdout]).toEqual([2, expect.stringContaining('p2.png')]);
  });
});

describe('accepted by both', () => {
  test('boxes alone are learned without the mask head, with one line', async () => {
    writeTinyCoco(root, (parts) =>
      Object.values(parts).forEach((part) =>
        part.annotations.forEach((annotation) => delete annotation['segmentation']),
      ),
    );
    const { code, stdout } = await check();
    expect([code, stdout]).toEqual([0, expect.stringContaining('boxes-only')]);
    const { lines, boxesOnly, refused } = await verdict();
    expect([boxesOnly, refused]).toEqual([true, []]);
    expect(lines).toEqual(['no object has a mask: training boxes only (detector.masks=null)']);
    const { metrics } = await trainDetector();
    expect(Object.keys(metrics ?? {}).filter((name) => name.startsWith('segm'))).toEqual([]);
    const stored = JSON.parse(readFileSync(join(root, 'run/config.json'), 'utf8')) as {
      config: { detector: { masks: unknown } };
    };
    expect(stored.config.detector.masks).toBe(null);
  }, 60_000);

  test('an object that is left out needs no mask, in training and in validation', async () => {
    writeTinyCoco(root, (parts) => {
      const small = { id: 900, category_id: 1, bbox: [0, 0, 0, 0], area: 1, iscrowd: 0 };
      parts.train.annotations.push({ ...small, image_id: 1 });
      parts.val.annotations.push({ ...small, image_id: 101 });
    });
    expect((await check()).code).toBe(0);
    const { lines, refused } = await verdict();
    expect(refused).toEqual([]);
    expect(lines[0]).toBe('training: 4 images, 8 objects; left out: 1 objects (box-small: 900)');
    const { metrics } = await trainDetector();
    expect(metrics?.['segm_AP']).toBeGreaterThanOrEqual(0);
  }, 60_000);

  test('files named after parts are these parts', async () => {
    for (const [part, content] of Object.entries({ train: tinyCoco(4), val: tinyCoco(2, 101) })) {
      for (const { file_name: name } of content.images)
        writeGray(join(root, 'images', String(name)));
      writeFileSync(join(root, `set_${part}2024.json`), JSON.stringify(content));
    }
    expect((await check()).stdout).toMatch(/^train: 4 images.*^val: 2 images/ms);
    const { training } = await verdict();
    expect(training.images.ids.length).toBe(4);
  });

  test('a broken test part does not matter to training', async () => {
    writeTinyCoco(root);
    const broken = tinyCoco(2, 201);
    broken.annotations[0]['bbox'] = 'none';
    const file = join(root, 'annotations/instances_test.json');
    for (const text of [JSON.stringify(broken), '{"images": [}']) {
      writeFileSync(file, text);
      const { code, stdout } = await check(root, '--no-images');
      expect([code, stdout]).toEqual([0, expect.stringContaining(', without its part test.')]);
    }
    expect((await verdict()).refused).toEqual([]);
  });

  test('keypoints that detection does not train are a warning', async () => {
    writeTinyCoco(root, ({ train: part }) => {
      part.annotations[0]['keypoints'] = [1, 2, 2];
      part.annotations[0]['num_keypoints'] = 3;
      part.annotations[1]['keypoints'] = 'none';
    });
    const { code, stdout } = await check();
    expect([code, stdout]).toEqual([0, expect.stringContaining('warning  2 x keypoints')]);
  });

  test('images without objects are background, or left out', async () => {
    writeTinyCoco(
      root,
      ({ train: part }) => void (part.annotations = part.annotations.slice(0, 4)),
    );
    const { training, lines } = await verdict();
    expect(lines).toEqual([]);
    expect([trainingSamples(training, true).length, trainingSamples(training).length]).toEqual([
      4, 2,
    ]);
    const recipes = ['detect', 'detect-finetune', 'coco-mask-rcnn-tiny'].map(
      (name) => resolveConfig(name, { set: [] }).config,
    );
    expect(recipes.map((config) => 'keepEmpty' in config && config.keepEmpty)).toEqual([
      true,
      true,
      false,
    ]);
    const left = await check(root, '--recipe', 'coco-mask-rcnn-tiny');
    expect(left.stdout).toContain(
      'used: 2 images, 4 objects; left out: 2 images (image-empty: 3, 4)',
    );
  });

  test('what a model will hardly learn is a warning that says what to do', async () => {
    writeTinyCoco(root, ({ train: part }) => {
      part.annotations = part.annotations.filter((annotation) => annotation['category_id'] === 1);
      for (const annotation of part.annotations)
        Object.assign(annotation, {
          bbox: [4, 8, 5, 5],
          area: 25,
          segmentation: [[4, 8, 9, 8, 9, 13]],
        });
    });
    const { stdout } = await check();
    expect(stdout).toMatch(/class-held-out.*\n.*"nut": expected objects in training, got none/);
    expect((await verdict()).lines.join('\n')).toMatch(
      /objects-tiny.*got 3\.\d px on average; raise evaluation\.limits/,
    );
  });
});

test('a rejected record has no findings about what refers to it', async () => {
  writeTinyCoco(root, ({ train: part }) => {
    for (const image of part.images.slice(1)) Object.assign(image, { width: -1, height: -1 });
    part.categories[1]['name'] = 7;
  });
  const { code, stdout } = await check();
  expect(code).toBe(2);
  expect(stdout).toMatch(/^train: 4 images, 8 annotations, 2 categories$/m);
  expect(stdout).toContain('error    4 x schema');
  expect(stdout).toContain(
    'images[1] (id 2): width: expected a whole number from 1 to 1000000, got -1',
  );
  expect(stdout).toContain('the size is that of the image file');
  expect(stdout).not.toMatch(/unknown-image|unknown-category|image-unlisted|class-unused/);
});

describe('files that are no annotations are named as what they are', () => {
  const text = JSON.stringify(tinyCoco(1));
  test.each<[string, Uint8Array | string, RegExp]>([
    ['UTF-16', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]), /UTF-16/],
    ['UTF-16 without a mark', Buffer.from(text, 'utf16le'), /UTF-16/],
    ['big-endian UTF-16', Buffer.from(`\ufeff${text}`, 'utf16le').swap16(), /UTF-16/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid', /git lfs pull/],
    ['a web page', '\n<!DOCTYPE html><html>', /HTML page/],
    ['a gzip archive', Uint8Array.of(0x1f, 0x8b, 8, 0, 0), /gzip archive/],
    ['a comment', `// by hand\n${text}`, /a comment/],
    ['Python', "{'images': []}", /json\.dump/],
    ['lines', '{"id": 1}\n{"id": 2}\n', /JSON Lines/],
    ['nothing', '', /an empty file/],
    ['a list of annotations', '[{"id": 1, "image_id": 1}]', /got a bare list of annotations/],
    ['results', '[{"image_id": 1, "score": 1}]', /got a list of detections/],
  ])('%s', async (_, content, message) => {
    const file = join(root, 'some.json');
    writeFileSync(file, content);
    const { code, stdout, stderr } = await check(file);
    expect([code, stdout + stderr]).toEqual([2, expect.stringMatching(message)]);
    expect((stdout + stderr).match(/expected/g)).toHaveLength(1);
  });
});

describe('segmentation', () => {
  /** Writes images with labels of one value per pixel column pair. */
  function writeLabels(values: readonly number[], folder = root): void {
    for (const name of ['a', 'b']) {
      writeGray(join(folder, 'images', `${name}.png`));
      mkdirSync(join(folder, 'labels'), { recursive: true });
      writeFileSync(join(folder, 'labels', `${name}.png`), labelPng(values));
    }
    writeFileSync(join(folder, 'classes.txt'), 'ground\nsquare\n');
  }

  test('masks of 0 and 255 are refused with what to do', async () => {
    writeLabels([0, 0, 0, 255]);
    const { code, stdout } = await check();
    expect(code).toBe(2);
    expect(stdout).toContain(
      'class "square" has no pixel, but 25.0 % of the pixels are 255, which does not count; if 255 is the object, write 1',
    );
  });

  test('ignored pixels alone are an error in training and a warning in validation', async () => {
    writeLabels([0, 1], join(root, 'good'));
    writeLabels([255], join(root, 'void'));
    const yaml = (train: string, val: string): string => {
      const part = (name: string): string => `{ images: ${name}/images, labels: ${name}/labels }`;
      const file = join(root, `${train}.yaml`);
      writeFileSync(file, `train: ${part(train)}\nval: ${part(val)}\nclasses: [ground, square]\n`);
      return file;
    };
    const held = await check(yaml('good', 'void'));
    expect([held.code, held.stdout]).toEqual([0, expect.stringContaining('1 x unscorable')]);
    const none = await check(yaml('void', 'good'));
    expect([none.code, none.stdout]).toEqual([2, expect.stringContaining('1 x untrainable')]);
  });

  test('findings name their files', async () => {
    writeLabels([0, 1]);
    writeFileSync(join(root, 'labels/b.png'), labelPng([0, 1], 48));
    const { stdout } = await check();
    expect(stdout).toContain('labels/b.png: expected 96x72 of its image, got 48x72');
  });
});

/** A label PNG of {@link TINY_SIZE} with the values in turn from left to right. */
function labelPng(values: readonly number[], width = 96): Uint8Array {
  const rows = Buffer.alloc(72 * (width + 1));
  for (let y = 0; y < 72; y++)
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = values[x % values.length];
  return buildPng({ width, height: 72, bitDepth: 8, colorType: 0, rows });
}

test('a resumed run refuses other classes by name, and maps another order', async () => {
  const data = writeTinyClasses({ perClass: 2 });
  const folder = join(root, 'run');
  const run = (more: object): ReturnType<typeof train> =>
    train('classify', {
      data,
      folder,
      report: false,
      steps: 1,
      ...more,
      set: [...SMALL_RECIPES.classify.settings, 'workers=0', 'batchSize=2', 'warmupEpochs=0'],
    });
  await run({});
  // The class that was the first becomes the last by its name.
  for (const part of ['train', 'val'])
    renameSync(join(data, part, 'class0'), join(data, part, 'zclass'));
  await expect(run({ resume: true, steps: 2 })).rejects.toThrow(
    /expected the 3 classes of the run in .*, got 3: "zclass" is none of them, "class0" is missing/,
  );
  // The same names in another order, by a list.
  for (const part of ['train', 'val'])
    renameSync(join(data, part, 'zclass'), join(data, part, 'class0'));
  writeFileSync(join(data, 'classes.txt'), 'class2\nclass0\nclass1\n');
  const notes: string[] = [];
  await run({ resume: true, steps: 2, listener: { note: (line: string) => notes.push(line) } });
  expect(notes.join('\n')).toMatch(
    /classes in another order than in the run in .*, mapped by name/,
  );
  rmSync(data, { recursive: true });
}, 60_000);
