import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { SHAPES_DEFAULTS, writeShapes } from '../../datasets/shapes/write.js';
import { dataDigest } from '../../train/data-digest.js';
import { dataOfRun } from '../../train/data-of-run.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import type { TrainOptions } from '../../train/options.js';
import type { RunPlan } from '../../train/plan.js';
import { RECIPES } from '../../train/recipes/index.js';
import { TASKS, type TaskName } from '../../train/tasks/index.js';
import { train } from '../../train/train.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

const { path } = temporaryFolder();

beforeAll(async () => {
  const size = { width: 96, height: 64, maxObjects: 3, labels: true };
  await writeShapes(path('shapes'), { ...SHAPES_DEFAULTS, ...size, train: 2, val: 1 });
});

const digestOf = async (name: TaskName, folder: string): Promise<string> =>
  dataDigest(TASKS[name], await TASKS[name].load(folder, { seed: 0 }));

/** Copies the shapes, without changing anything. */
function copied(name: string): string {
  cpSync(path('shapes'), path(name), { recursive: true });
  return path(name);
}

interface Annotations {
  annotations: { bbox: number[]; iscrowd: number; segmentation: unknown }[];
}

function changeAnnotations(folder: string, change: (json: Annotations) => void): void {
  const annotations = join(folder, 'annotations');
  const name = readdirSync(annotations).find((file) => file.includes('train')) ?? '';
  const json = JSON.parse(readFileSync(join(annotations, name), 'utf8')) as Annotations;
  change(json);
  writeFileSync(join(annotations, name), JSON.stringify(json));
}

test.each<[string, (json: Annotations) => unknown]>([
  ['a box', ({ annotations: [first] }) => (first.bbox[2] -= 1)],
  ['a crowd', ({ annotations: [first] }) => (first.iscrowd = 1)],
  ['no mask any more', ({ annotations: [first] }) => delete first.segmentation],
])('a digest of a detection set changes with %s, not with its place', async (_, change) => {
  const before = await digestOf('detect', path('shapes'));
  const folder = copied('moved');
  expect(await digestOf('detect', folder)).toBe(before);
  changeAnnotations(folder, (json) => void change(json));
  expect(await digestOf('detect', folder)).not.toBe(before);
  rmSync(folder, { recursive: true });
});

test('a digest of a segmentation set changes with a label file', async () => {
  const yaml = (folder: string): string => join(folder, 'segment.yaml');
  const before = await digestOf('segment', yaml(path('shapes')));
  const folder = copied('labels');
  expect(await digestOf('segment', yaml(folder))).toBe(before);
  const labels = join(folder, 'labels/train');
  const [first, second] = readdirSync(labels);
  copyFileSync(join(labels, first), join(labels, second));
  expect(await digestOf('segment', yaml(folder))).not.toBe(before);
});

test.each(['classify', 'pretrain'] as const)(
  'an image of more or another name: %s',
  async (name) => {
    const classes = writeTinyClasses({ perClass: 2 });
    const before = await digestOf(name, classes);
    const folder = join(classes, 'train', readdirSync(join(classes, 'train'))[0]);
    const [first] = readdirSync(folder);
    copyFileSync(join(folder, first), join(folder, `more-${first}`));
    const after = await digestOf(name, classes);
    renameSync(join(folder, first), join(folder, `other-${first}`));
    expect(new Set([before, after, await digestOf(name, classes)]).size).toBe(3);
  },
);

test('an image of another class', async () => {
  const classes = writeTinyClasses({ perClass: 2 });
  const before = await digestOf('classify', classes);
  const [one, other] = readdirSync(join(classes, 'train')).map((name) =>
    join(classes, 'train', name),
  );
  const [first] = readdirSync(one);
  renameSync(join(one, first), join(other, `~${first}`));
  expect(await digestOf('classify', classes)).not.toBe(before);
});

test('an option that divides or reads the data otherwise is named as a possible reason', async () => {
  const notes: string[] = [];
  const options = { data: path('shapes/train'), valFraction: 0.5 };
  await dataOfRun(
    TASKS.pretrain,
    { ...options, folder: 'unused', communicator: SINGLE_PROCESS },
    {
      plan: { ...options, seed: 0, dataDigest: 'that of a fifth' } as RunPlan,
      config: RECIPES.pretrain,
      note: (line) => void notes.push(line),
    },
  );
  expect(notes).toContain(
    'warning: the data are not those of the run that is repeated (--val-fraction, or images, classes or annotations that changed): its results may not be comparable',
  );
});

describe('a run', () => {
  const classes = writeTinyClasses({ perClass: 2 });
  const { settings } = SMALL_RECIPES.classify;
  const warned = async (
    recipe: string,
    options: Pick<TrainOptions, 'folder' | 'steps'> & Partial<TrainOptions>,
  ): Promise<readonly string[]> => {
    const notes: string[] = [];
    await train(recipe, {
      ...options,
      report: false,
      listener: { note: (line) => void notes.push(line) },
    });
    return notes.filter((line) => line.includes('the data are not those'));
  };
  const set = [...settings, 'batchSize=2', 'accumulation=1', 'workers=0', 'epochs=9'];
  const started = (steps: number): Promise<readonly string[]> =>
    warned('classify', { folder: path('run'), data: classes, resume: steps > 1, steps, set });

  test('says whenever it is resumed with data that have changed since it began', async () => {
    expect(await started(1)).toEqual([]);
    expect(await started(2)).toEqual([]);
    // The run that is repeated had the data as they are still.
    expect(await warned(path('run'), { folder: path('same'), steps: 1 })).toEqual([]);
    const folder = join(classes, 'train', readdirSync(join(classes, 'train'))[0]);
    const [first] = readdirSync(folder);
    copyFileSync(join(folder, first), join(folder, `more-${basename(first)}`));
    for (const steps of [3, 4])
      expect(await started(steps)).toEqual([
        'warning: the data are not those that this run began with (images, classes or annotations were added, removed or changed): ' +
          'it goes on with them, and earlier scores may not be comparable',
      ]);
  });

  test('that repeats another says so, too, unless other data are asked for', async () => {
    const [line] = await warned(path('run'), { folder: path('repeated'), steps: 1 });
    expect(line).toContain('are not those of the run that is repeated');
    const options = { folder: path('other'), steps: 1, data: classes };
    expect(await warned(path('run'), options)).toEqual([]);
    // The repeated run began with the data as they are now.
    expect(await warned(path('repeated'), { folder: path('again'), steps: 1 })).toEqual([]);
  });

  test('of an earlier version says nothing', async () => {
    const file = join(path('run'), 'config.json');
    const { dataDigest: _, ...config } = JSON.parse(readFileSync(file, 'utf8')) as {
      dataDigest: string;
    };
    writeFileSync(file, JSON.stringify(config));
    expect(await started(5)).toEqual([]);
  });
});
