import { afterAll, beforeAll, expect, test } from 'vitest';
import { OptionError } from '../../core/errors.js';
import { load, open } from '../../inference/open.js';
import { saveCheckpoint } from '../../weights/checkpoint.js';
import { parameterTargets } from '../../weights/load.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { tinyModels } from '../helpers/tiny-models.js';

const { path } = temporaryFolder();
const TASKS = ['classify', 'detect', 'segment'] as const;
let models: Awaited<ReturnType<typeof tinyModels>>;

beforeAll(async () => {
  models = await tinyModels();
  for (const task of TASKS) {
    const { store, card } = models[task].loaded;
    const groups = { weights: parameterTargets(store) };
    await saveCheckpoint(path(task), 'step-1', { step: 1, groups, state: { card } });
  }
});
afterAll(async () => {
  for (const model of Object.values(models)) await model.release();
});

test.each(TASKS)('%s: options that the card of a run holds are refused', async (task) => {
  for (const options of [{ size: 320 }, { classes: ['x', 'y', 'z'] }]) {
    const [name] = Object.keys(options);
    const error: unknown = await open(path(task), options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OptionError);
    expect((error as Error).message).toMatch(
      new RegExp(`^${name}: expected a weight file without model card, got .*step-1`),
    );
    const notices: string[] = [];
    const { card } = await load(path(task), { ...options, onNotice: (l) => notices.push(l) });
    expect(card.classNames).toEqual(['a', 'b', 'c']);
    expect(notices).toEqual([expect.stringMatching(new RegExp(`^warning: ${name}: expected`))]);
  }
  const model = await open(path(task), { size: undefined, classes: undefined });
  expect(model.card).toEqual(models[task].card);
  await model.release();
});
