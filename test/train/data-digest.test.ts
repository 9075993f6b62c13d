import {
  copyFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SHAPES_DEFAULTS, writeShapes } from '../../datasets/shapes/write.js';
import { dataDigest } from '../../train/data-digest.js';
import { TASKS, type TaskName } from '../../train/tasks/index.js';
import { train } from '../../train/train.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

const { path } = temporaryFolder();

const digestOf = async (name: TaskName, folder: string): Promise<string> =>
  dataDigest(TASKS[name], await TASKS[name].load(folder, { seed: 0 }));

test('a digest changes with names and annotations, not with the place of a set', async () => {
  const size = { width: 96, height: 64, maxObjects: 3 };
  const shapes = path('shapes');
  await writeShapes(shapes, { ...SHAPES_DEFAULTS, ...size, train: 2, val: 1 });
  const before = await digestOf('detect', shapes);
  cpSync(shapes, path('moved'), { recursive: true });
  expect(await digestOf('detect', path('moved'))).toBe(before);
  const annotations = join(shapes, 'annotations');
  const file = join(annotations, readdirSync(annotations).find((name) => /train/.test(name)) ?? '');
  const json = JSON.parse(readFileSync(file, 'utf8')) as { annotations: { bbox: number[] }[] };
  json.annotations[0].bbox[2] -= 1;
  writeFileSync(file, JSON.stringify(json));
  expect(await digestOf('detect', shapes)).not.toBe(before);
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

test('a resumed run says that its data have changed, once', async () => {
  const classes = writeTinyClasses({ perClass: 2 });
  const { settings } = SMALL_RECIPES.classify;
  const resumed = async (steps: number): Promise<readonly string[]> => {
    const notes: string[] = [];
    await train('classify', {
      folder: path('run'),
      data: classes,
      resume: steps > 1,
      steps,
      report: false,
      set: [...settings, 'batchSize=2', 'accumulation=1', 'workers=0', 'epochs=9'],
      listener: { note: (line) => void notes.push(line) },
    });
    return notes.filter((line) => line.includes('the data are not those that this run began with'));
  };
  expect(await resumed(1)).toEqual([]);
  expect(await resumed(2)).toEqual([]);
  const folder = join(classes, 'train', readdirSync(join(classes, 'train'))[0]);
  const [first] = readdirSync(folder);
  copyFileSync(join(folder, first), join(folder, `more-${first}`));
  expect(await resumed(3)).toHaveLength(1);
  expect(await resumed(4)).toEqual([]);
});
