import { flattenSettings, isSetOver, mergeSettings, type Settings } from './config/layers.js';
import type { RecipeConfig } from './config/schemas.js';
import type { RunPlan } from './plan.js';
import { FITTED_RECIPES } from './recipes/own-data.js';
import type { Task } from './tasks/task.js';

/** Source of settings that were chosen by the training set. */
const BY_DATA = 'objects of the data';

/**
 * Plan of a run on its data: a detector has no mask head where no object has a mask, and a new run of a recipe for people's own
 * data has the settings that fit its training set. Every setting that changes is noted.
 */
export function planForData(
  task: Task,
  plan: RunPlan,
  {
    training,
    boxesOnly,
    note,
  }: {
    readonly training: unknown;
    readonly boxesOnly: boolean;
    readonly note: (line: string) => void;
  },
): RunPlan {
  const usable = boxesOnly
    ? merged(plan, { detector: { masks: null } }, 'data without masks')
    : plan;
  if (plan.isRestored || !FITTED_RECIPES.has(plan.recipe) || !task.fit) return usable;
  const settings = task.fit(training, usable.config, (path) => isSetOver(plan, path));
  const chosen = flattenSettings(settings);
  if (chosen.length === 0) return usable;
  const list = chosen.map(([path, value]) => `${path}=${JSON.stringify(value)}`).join(' ');
  note(`chosen by the ${BY_DATA}, --set keeps others: ${list}`);
  return merged(usable, settings, BY_DATA);
}

function merged(plan: RunPlan, settings: Settings, source: string): RunPlan {
  const { config, sources } = plan;
  const both = mergeSettings({ config: config as unknown as Settings, sources }, settings, source);
  return { ...plan, config: both.config as unknown as RecipeConfig, sources: both.sources };
}
