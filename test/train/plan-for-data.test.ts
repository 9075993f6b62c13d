import { describe, expect, test } from 'vitest';
import { planForData } from '../../train/plan-for-data.js';
import { planRun, type RunPlan } from '../../train/plan.js';
import type { Settings } from '../../train/config/layers.js';
import type { DetectionConfig } from '../../train/config/detect.js';
import { classificationSet, detectionSet } from '../../datasets/in-memory.js';
import { classify } from '../../train/tasks/classify.js';
import { detect } from '../../train/tasks/detect.js';
import type { Task } from '../../train/tasks/task.js';

const image = { width: 320, height: 240, data: new Uint8Array(320 * 240 * 3) };
const large = detectionSet(
  Array.from({ length: 8 }, (_, i) => ({
    image,
    objects: [{ box: [4 * i, 3, 220, 210] as const, label: 'cat' }],
  })),
  ['cat'],
);
/** Images of 64 px without objects, to classify. */
const small = classificationSet(
  [0, 1].map((label) => ({
    image: { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) },
    label,
  })),
  ['cat', 'dog'],
);
const planOf = (recipe: string, set: readonly string[] = []): Promise<RunPlan> =>
  planRun(recipe, { data: { training: large }, folder: 'none', set }, () => undefined);
const fitted = async (
  plan: RunPlan,
  notes: string[] = [],
  boxesOnly = false,
): Promise<DetectionConfig> => {
  const { config } = await planForData(detect as unknown as Task, plan, {
    training: large,
    boxesOnly,
    note: (line) => notes.push(line),
  });
  return config as DetectionConfig;
};

describe('the plan for a set', () => {
  test('has the settings that fit its objects, and says so with their source', async () => {
    const plan = await planOf('detect');
    const notes: string[] = [];
    expect((await fitted(plan, notes)).evaluation.limits).toEqual({ long: 213, short: 128 });
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^chosen by the objects of the data, --set keeps others: .*short=128/);
    const { sources, config } = await planForData(detect as unknown as Task, plan, {
      training: large,
      boxesOnly: true,
      note: () => undefined,
    });
    expect(sources['evaluation.limits.short']).toBe('objects of the data');
    expect(sources['detector.masks']).toBe('data without masks');
    expect((config as DetectionConfig).detector.masks).toBeNull();
    expect(sources['lr']).toBe('recipe detect');
  });

  test('names what changes in a list of settings as --set takes it', async () => {
    const notes: string[] = [];
    const task = { ...detect, fit: (): Settings => ({ batchSize: 2, detector: { stages } }) };
    const plan = await planOf('detect');
    const [stage] = (plan.config as DetectionConfig).detector.stages;
    const stages = [{ ...stage, sampler: { ...stage.sampler, numSamples: 7 } }];
    await planForData(task as unknown as Task, plan, {
      training: large,
      boxesOnly: false,
      note: (line) => notes.push(line),
    });
    expect(notes[0]).toMatch(/others: detector\.stages\.0\.sampler\.numSamples=7$/);
  });

  test('keeps what the user set, the recipes of the papers, and the configuration of an earlier run', async () => {
    const set = ['evaluation.limits.short=200'];
    expect((await fitted(await planOf('detect', set))).evaluation.limits).toEqual({
      long: 400,
      short: 200,
    });
    const recipe = await planOf('detect-finetune');
    expect(await fitted(recipe)).toEqual(recipe.config);
    const plan = await planOf('detect');
    expect(await fitted({ ...plan, isRestored: true })).toEqual(plan.config);
  });
  test('of a classifier has the input of its images', async () => {
    const options = { training: small, boxesOnly: false };
    const notes: string[] = [];
    const note = (line: string): unknown => notes.push(line);
    const plan = await planOf('classify');
    const { config, sources } = await planForData(classify as unknown as Task, plan, {
      ...options,
      note,
    });
    expect(config).toMatchObject({ training: { inputSize: 64 }, evaluation: { inputSize: 64 } });
    expect(sources['evaluation.inputSize']).toBe('images of the data');
    expect(notes).toEqual([
      'chosen by the images of the data, --set keeps others: ' +
        'training.inputSize=64 evaluation.inputSize=64',
    ]);
    const tuned = await planOf('classify-finetune');
    expect(await planForData(classify as unknown as Task, tuned, { ...options, note })).toBe(tuned);
  });
});
