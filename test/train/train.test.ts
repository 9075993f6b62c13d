import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../core/errors.js';
import { evaluationSamples } from '../../datasets/coco/samples.js';
import { readLabelMap } from '../../datasets/png-label-map.js';
import { readImageNet } from '../../datasets/imagenet.js';
import { SHAPES_DEFAULTS, writeShapes } from '../../datasets/shapes/write.js';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import { decodeImage } from '../../io/image/decode.js';
import { RECIPES } from '../../train/recipes/index.js';
import { findData } from '../../train/tasks/find-data.js';
import { train } from '../../train/train.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

let root: string;
let classes: string;
let shapes: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'convnextv2-train-'));
  classes = writeTinyClasses({ perClass: 2 });
  shapes = join(root, 'shapes');
  const size = { width: 96, height: 64, maxObjects: 3, labels: true };
  await writeShapes(shapes, { ...SHAPES_DEFAULTS, ...size, train: 2, val: 1 });
  engine = await openEngine();
}, 60_000);
afterAll(() => [root, classes].forEach((folder) => rmSync(folder, { recursive: true })));

const COMMON = ['batchSize=2', 'accumulation=1', 'workers=0'];
const checkpoint = (name: string, step = 1): Buffer =>
  readFileSync(
    join(root, name, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`),
  );

describe('images in memory train as the files do, bit for bit', () => {
  const options = (name: string, settings: readonly string[]) =>
    ({
      folder: join(root, name),
      engine,
      steps: 1,
      report: false,
      set: [...settings, ...COMMON],
    }) as const;

  test('classification', async () => {
    const { settings } = SMALL_RECIPES.classify;
    await train('classify', { ...options('class-files', settings), data: classes });
    const [training, validation] = await Promise.all(
      (['train', 'val'] as const).map((split) =>
        Promise.all(
          readImageNet(classes, { split }).samples.map(async ({ file, classIndex }) => ({
            image: await decodeImage(file),
            label: `class${classIndex}`,
          })),
        ),
      ),
    );
    const before = training[0].image.data.slice();
    const { metrics } = await train('classify', {
      ...options('class-memory', settings),
      data: { classes: ['class0', 'class1', 'class2'], training, validation },
    });
    expect(checkpoint('class-memory').equals(checkpoint('class-files'))).toBe(true);
    expect(metrics?.['count']).toBe(6);
    expect(training[0].image.data).toEqual(before);
  }, 60_000);

  test('detection, with masks', async () => {
    const { settings } = SMALL_RECIPES.detect;
    await train('detect', { ...options('detect-files', settings), data: shapes });
    const { load } = await findData('detection', shapes);
    const [training, validation] = await Promise.all(
      (['train', 'val'] as const).map(async (split) => {
        const samples = evaluationSamples(await load(split));
        return Promise.all(
          Array.from({ length: samples.length }, async (_, i) => {
            const { file, objects } = samples.at(i);
            const found = Array.from(objects.classIndices, (label, m) => {
              const [x1, y1, x2, y2] = objects.boxes.subarray(4 * m, 4 * m + 4);
              const mask = objects.segmentations[m];
              return {
                label,
                box: [x1, y1, x2 - x1, y2 - y1] as const,
                mask:
                  mask.kind === 'polygons'
                    ? mask.polygons.map((polygon) => Array.from(polygon))
                    : mask.kind === 'rle'
                      ? {
                          size: [mask.height, mask.width] as const,
                          counts: Array.from(mask.counts),
                        }
                      : undefined,
              };
            });
            return { image: await decodeImage(file), objects: found };
          }),
        );
      }),
    );
    const set = await load('train');
    await train('detect', {
      ...options('detect-memory', settings),
      data: { classes: set.classes.names, training, validation },
    });
    expect(checkpoint('detect-memory').equals(checkpoint('detect-files'))).toBe(true);
  }, 60_000);

  test('segmentation', async () => {
    const { settings } = SMALL_RECIPES.segment;
    const path = join(shapes, 'segment.yaml');
    await train('segment-finetune', { ...options('segment-files', settings), data: path });
    const set = await (await findData('segmentation', path)).load('train');
    const training = await Promise.all(
      set.samples.map(async ({ file, labelFile }) => ({
        image: await decodeImage(file),
        labels: await readLabelMap(labelFile, set.mapping),
      })),
    );
    await train('segment-finetune', {
      ...options('segment-memory', settings),
      data: { classes: set.classes, training },
    });
    expect(checkpoint('segment-memory').equals(checkpoint('segment-files'))).toBe(true);
  }, 60_000);

  test('a run says whether steps cut it, or whether it is whole', async () => {
    const { settings } = SMALL_RECIPES.classify;
    const length = readImageNet(classes, { split: 'train' }).samples.length >> 1;
    const stopped = (name: string): unknown =>
      JSON.parse(readFileSync(join(root, name, 'result.json'), 'utf8'));
    const ends = { cut: length - 1, whole: length };
    for (const [name, steps] of Object.entries(ends)) {
      const run = { ...options(name, settings), data: classes, steps, epochs: 1 };
      expect((await train('classify', run)).cutBySteps).toBe(name === 'cut');
    }
    expect(stopped('cut')).toMatchObject({ ended: 'stopped by --steps' });
    expect(stopped('whole')).toMatchObject({ ended: 'finished' });
  });

  test('a batch of more images than there are is that of all, which is said', async () => {
    const { settings } = SMALL_RECIPES.classify;
    const notes: string[] = [];
    const listener = { note: (line: string) => void notes.push(line) };
    const run = (folder: string, size: number) => {
      const all = options(folder, settings);
      return { ...all, set: [...all.set, `batchSize=${size}`], data: classes, listener };
    };
    await train('classify', run('large-batch', 64));
    expect(notes).toContain('batchSize 64 is more than the 6 images: a step has 6');
    await train('classify', run('whole-batch', 6));
    expect(notes.filter((line) => line.includes('is more than'))).toHaveLength(1);
  });

  test('a run in memory says so, and needs its data again', async () => {
    const stored = JSON.parse(
      readFileSync(join(root, 'class-memory', 'config.json'), 'utf8'),
    ) as object;
    expect(stored).toMatchObject({ recipe: 'classify', data: '(in memory)', steps: 1 });
    const folder = join(root, 'class-memory');
    await expect(train('classify', { folder, engine, resume: true })).rejects.toThrow(ConfigError);
  });

  test('what is wrong with an example names it', async () => {
    const image = { width: 2, height: 2, data: new Uint8Array(12) };
    const run = (example: { image: typeof image; label: string }): Promise<unknown> =>
      train('classify', {
        ...options('wrong', []),
        data: { classes: ['a', 'b'], training: [{ image, label: 'a' }, example] },
      });
    await expect(run({ image, label: 'c' })).rejects.toThrow(
      new DataError('data: image 1: expected a class of a, b, got "c"'),
    );
    const short = { ...image, data: new Uint8Array(11) };
    await expect(run({ image: short, label: 'b' })).rejects.toThrow(
      new DataError('data: image 1: expected 12 values, got 11'),
    );
    expect(existsSync(join(root, 'wrong'))).toBe(false);
  });
});

test('settings are typed by the task of the recipe, whose name tells it', () => {
  const task = {
    classify: 0,
    imagenet: 0,
    detect: 1,
    coco: 1,
    segment: 2,
    ade20k: 2,
    fcmae: 3,
    pretrain: 3,
  };
  const names = ['classify', 'detect', 'segment', 'pretrain'];
  for (const [name, config] of Object.entries(RECIPES)) {
    const prefix = /^[a-z0-9]+/.exec(name)?.[0] as keyof typeof task;
    expect([name, config.task]).toEqual([name, names[task[prefix]]]);
  }
  // Checked by the compiler.
  const folder = join(root, 'never');
  const calls = [
    () => train('coco-mask-rcnn-tiny', { folder, config: { frozenStages: 1 } }),
    // @ts-expect-error a classifier has no frozen stages
    () => train('classify', { folder, config: { frozenStages: 1 } }),
    // @ts-expect-error a detector is not trained on label maps
    () => train('detect', { folder, data: { training: [{ labels: [] }] } }),
  ];
  expect(calls.length).toBe(3);
});

test('options that TypeScript would refuse are named before any work', async () => {
  const image = { width: 32, height: 32, data: new Uint8Array(3 * 32 * 32) };
  const data = (objects: unknown): unknown => ({ classes: ['a'], training: [{ image, objects }] });
  const wrong: readonly (readonly [unknown, unknown, RegExp])[] = [
    [null, { folder: 'x' }, /^recipe: expected a name or a configuration/],
    [{ task: 'x' }, { folder: 'x' }, /^recipe: expected/],
    ['classify', undefined, /^folder: expected the path of a run folder, got undefined/],
    ['classify', { folder: '' }, /^folder: expected/],
    ['classify', { folder: 'x', data: null }, /^data: expected a path, or sets/],
    ['classify', { folder: 'x', data: 3 }, /^data: expected a path, or sets/],
    ['classify', { folder: 'x', data: 'y', seed: 1.5 }, /^train: seed: expected/],
    ['classify', { folder: 'x', data: 'y', steps: '1' }, /^train: steps: expected/],
    ['classify', { folder: 'x', data: 'y', valFraction: 2 }, /^train: valFraction: expected/],
    ...[
      [NaN, 5, 20, 20],
      [5, 5, -20, 20],
      [500, 5, 20, 20],
      [5, 5, 20],
      [0, 0, Infinity, 5],
      undefined,
    ].map((box) => {
      const options = { folder: join(tmpdir(), 'never'), data: data([{ box, label: 'a' }]) };
      return ['detect', options, /^data: image 0: expected a box \[x, y, width, height\]/] as const;
    }),
  ];
  for (const [recipe, options, message] of wrong)
    await expect(train(recipe as 'classify', options as never)).rejects.toThrow(message);
});
