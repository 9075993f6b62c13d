import { isDeepStrictEqual } from 'node:util';
import { isRecord } from '../core/foreign-value.js';
import { isSetOver, mergeSettings, type Settings } from './config/layers.js';
import type { RecipeConfig } from './config/schemas.js';
import { affordableAccumulation } from './config/shortcuts.js';
import type { RunPlan } from './plan.js';
import { FITTED_RECIPES } from './recipes/own-data.js';
import type { Task } from './tasks/task.js';

/**
 * Plan of a run on its data: a detector has no mask head where no object has a mask, and a new run of a recipe for people's own
 * data has the settings that fit its training set. The accumulation of `--batch` is one that the set has images for. Every setting that changes is noted.
 */
export async function planForData(
  task: Task,
  plan: RunPlan,
  {
    training,
    boxesOnly,
    numProcesses = 1,
    note,
  }: {
    readonly training: unknown;
    readonly boxesOnly: boolean;
    readonly numProcesses?: number | undefined;
    readonly note: (line: string) => void;
  },
): Promise<RunPlan> {
  const boxed = boxesOnly
    ? merged(plan, { detector: { masks: null } }, 'data without masks')
    : plan;
  const accumulation = affordableAccumulation(boxed, task.labeled(training).length / numProcesses);
  const usable = accumulation === undefined ? boxed : merged(boxed, { accumulation }, '--batch');
  if (accumulation !== undefined)
    note(`--batch: accumulation=${accumulation}, for which there are images enough`);
  const source = FITTED_RECIPES.get(plan.recipe);
  if (plan.isRestored || source === undefined || !task.fit) return usable;
  // Weights that the user gives are the start of a backbone that would else be trained on cut-out objects.
  const isSet = (path: string): boolean =>
    isSetOver(plan, path) || (path === 'objectPretraining' && plan.weightFile !== undefined);
  const settings = await task.fit(training, usable.config, isSet);
  const chosen = changesOf(usable.config, settings);
  if (chosen.length === 0) return usable;
  note(`chosen by the ${source}, --set keeps others: ${chosen.join(' ')}`);
  return merged(usable, settings, source);
}

/** Lists what settings change, as `path=value`; in lists of settings by item, as `--set` takes it. */
function changesOf(before: unknown, after: unknown, path = ''): readonly string[] {
  const isTree = Array.isArray(after) ? after.some(isRecord) : isRecord(after);
  if (!isTree) return isDeepStrictEqual(before, after) ? [] : [`${path}=${JSON.stringify(after)}`];
  const old = Object(before) as Settings;
  return Object.entries(after as Settings).flatMap(([key, value]) =>
    changesOf(old[key], value, path === '' ? key : `${path}.${key}`),
  );
}

function merged(plan: RunPlan, settings: Settings, source: string): RunPlan {
  const { config, sources } = plan;
  const both = mergeSettings({ config: config as unknown as Settings, sources }, settings, source);
  return { ...plan, config: both.config as unknown as RecipeConfig, sources: both.sources };
}
