import { writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readClassificationSplit } from '../../datasets/classification-split.js';
import { evaluate } from '../../train/evaluate.js';
import { dataOfRun } from '../../train/data-of-run.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import type { TrainOptions } from '../../train/options.js';
import type { RunPlan } from '../../train/plan.js';
import { RECIPES } from '../../train/recipes/index.js';
import { TASKS, type TaskName } from '../../train/tasks/index.js';
import { train } from '../../train/train.js';
import { dataFolder } from '../helpers/data-folder.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const set = dataFolder();
const { path } = temporaryFolder();

const image = { width: 64, height: 64, data: new Uint8Array(3 * 4096) };
const labels = { width: 64, height: 64, data: Uint8Array.from({ length: 4096 }, (_, i) => i % 2) };
const mask = [[4, 4, 54, 4, 54, 54]];
const objects = [{ box: [4, 4, 50, 50], label: 'a', mask }];
/** Ten examples of every task. */
const EXAMPLES: Readonly<Record<TaskName, readonly object[]>> = {
  classify: Array.from({ length: 10 }, (_, i) => ({ image, label: i % 2 })),
  detect: Array.from({ length: 10 }, () => ({ image, objects })),
  segment: Array.from({ length: 10 }, () => ({ image, labels })),
  pretrain: Array.from({ length: 10 }, () => ({ image })),
};
const RECIPE = {
  classify: 'classify',
  detect: 'detect',
  segment: 'segment-finetune',
  pretrain: 'pretrain',
} as const;

/** Loads the data of a run. @returns numbers of images to train on and held out, and the notes */
async function loaded(
  name: TaskName,
  options: Pick<TrainOptions, 'data' | 'valFraction' | 'layout'>,
  plan: Partial<RunPlan> = {},
): Promise<readonly [number, number | undefined, readonly string[]]> {
  const notes: string[] = [];
  const { data } = await dataOfRun(
    TASKS[name],
    { ...options, folder: 'unused', communicator: SINGLE_PROCESS },
    {
      plan: { valFraction: options.valFraction ?? null, seed: 3, ...plan } as RunPlan,
      config: RECIPES[RECIPE[name]],
      note: (line) => void notes.push(line),
    },
  );
  const count = (set: object): number =>
    'samples' in set
      ? (set.samples as readonly unknown[]).length
      : (set as { images: { ids: ArrayLike<number> } }).images.ids.length;
  const { training, validation } = data as { training: object; validation?: object };
  return [count(training), validation && count(validation), notes];
}

describe.each(Object.keys(TASKS) as readonly TaskName[])('images in memory to %s', (name) => {
  const training = EXAMPLES[name];
  const classes = ['a', 'b'];
  const data = { classes, training } as never;

  test('are divided by a fraction, as files are', async () => {
    const [numTraining, numHeldOut, notes] = await loaded(name, { data, valFraction: 0.2 });
    expect([numTraining, numHeldOut]).toEqual([8, 2]);
    expect(notes[0]).toBe('data in memory: 0.2 of the images for validation, seed 3');
    expect((await loaded(name, { data }))[1]).toBeUndefined();
    // A stored fraction counts for the same run, not for data that are divided.
    const divided = { classes, training, validation: training.slice(0, 4) } as never;
    const stored = { valFraction: 0.5 };
    expect((await loaded(name, { data }, stored)).slice(0, 2)).toEqual([5, 5]);
    expect((await loaded(name, { data: divided }, stored)).slice(0, 2)).toEqual([10, 4]);
    await expect(loaded(name, { data: divided, valFraction: 0.5 })).rejects.toThrow(
      '--val-fraction: expected a set without splits to divide, got validation data',
    );
  });
});

test('options of files are refused for data in memory, in the words of the caller', async () => {
  const data = { classes: ['a', 'b'], training: EXAMPLES['classify'] } as never;
  const folder = path('run');
  for (const [option, value] of [
    ['layout', 'coco'],
    ['classAttribute', 'type'],
    ['classes', ['a']],
  ] as const)
    await expect(train('classify', { folder, data, [option]: value })).rejects.toThrow(
      `\`${option}\`: expected none for data in memory, got`,
    );
  const model = { task: 'classify', predict: () => 0, classNames: ['a'], card: {}, options: {} };
  for (const [option, value] of [
    ['layout', 'coco'],
    ['valFraction', 0.5],
    ['dataClasses', ['a']],
  ] as const)
    await expect(
      evaluate(model as never, EXAMPLES['classify'] as never, { [option]: value }),
    ).rejects.toThrow(`\`${option}\`: expected none for data in memory, got`);
});

test('options that do not fit the format of a path are refused', async () => {
  for (const name of ['a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'b/3']) set.image(`${name}.png`);
  const folder = path('run');
  const refused = (options: object): Promise<unknown> =>
    train('classify', { data: set.root, folder, ...options });
  await expect(refused({ classes: ['a'] })).rejects.toThrow(
    '`classes`: expected none for a set to classify, got',
  );
  await expect(refused({ layout: 'coco' })).rejects.toThrow(
    /`layout` coco: expected a layout that/,
  );
});

test('class folders and unlabeled images are divided by a fraction', async () => {
  for (let i = 0; i < 4; i++) for (const name of ['a', 'b']) set.image(`${name}/${i}.png`);
  const options = { layout: 'imagenet', seed: 1, valFraction: 0.25 };
  for (const name of ['classify', 'pretrain'] as const)
    expect((await loaded(name, { data: set.root, valFraction: 0.25 })).slice(0, 2)).toEqual([6, 2]);
  const [train, val] = (['train', 'val'] as const).map((split) =>
    readClassificationSplit(set.root, { split, ...options }),
  );
  expect([...train.samples, ...val.samples].map(({ file }) => file).sort()).toHaveLength(8);
  // The fraction of each class.
  expect(val.samples.map(({ classIndex }) => classIndex)).toEqual([0, 1]);
  expect(val).toMatchObject({ split: 'val', folder: train.folder });
  writeFileSync(set.at('classes.txt'), 'a\nb\n');
  set.image('train/a/1.png');
  await expect(loaded('classify', { data: set.root, valFraction: 0.25 })).rejects.toThrow(
    '--val-fraction: expected a set without splits to divide',
  );
});
