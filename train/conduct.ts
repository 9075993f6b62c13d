import type { Backbone } from '../engine/backbone.js';
import type { Engine } from '../engine/runtime/engine.js';
import { writeRunConfig, type RunConfig } from './config/run-config.js';
import type { RecipeConfig } from './config/schemas.js';
import type { EarlyVerdict } from './early-verdict.js';
import { requestedLength, type StoredLength } from './length/requested.js';
import type { TrainResult } from './loop.js';
import type { RunMonitor } from './monitor.js';
import { RunNarrator } from './narrator.js';
import type { RankOptions } from './options.js';
import type { RunPlan } from './plan.js';
import { trainTask } from './run.js';
import type { LoadedData, Task } from './tasks/task.js';

/** Default of {@link RankOptions.checkpointMinutes}. */
const CHECKPOINT_MINUTES = 15;

/** Arguments of {@link conductRun}. */
interface ConductOptions {
  readonly plan: RunPlan;
  readonly config: RecipeConfig;
  /** Content of `config.json`. */
  readonly stored: RunConfig;
  readonly engine: Engine;
  readonly backbone: Backbone | undefined;
  readonly monitor: RunMonitor;
  /** Throws if another process has taken the folder over. */
  readonly assertOwned: () => void;
  readonly note: (line: string) => void;
  /** Time at the start of the run. */
  readonly startMs: number;
  /** Largest number of images that are examined for the report; 0: none. */
  readonly reportImages: number;
}

/** Trains a task by a plan, says how long it takes and whether it learns, and stores its length the moment it is known. */
export async function conductRun(
  task: Task,
  data: LoadedData<unknown>,
  options: RankOptions,
  { plan, config, stored, monitor, note, startMs, reportImages, ...opened }: ConductOptions,
): Promise<TrainResult & { readonly verdict: EarlyVerdict | undefined }> {
  const { folder, communicator, resume = false, checkpointMinutes } = options;
  const { length, recipe, seed } = plan;
  if (communicator.rank === 0) writeRunConfig(folder, stored);
  let known = length;
  const keep = (fields: Partial<StoredLength>): void => {
    if (!known) return;
    known = { ...known, ...fields };
    writeRunConfig(folder, { ...stored, length: known });
  };
  const narrator = new RunNarrator({
    facts: task.facts(data.training, config),
    metric: task.bestMetric,
    minutes: length?.minutes ?? undefined,
    note,
    onLayout: (layout) => keep({ layout }),
    onStepsBefore: (stepsBefore) => keep({ stepsBefore }),
  });
  monitor.also(narrator);
  const result = await trainTask(task, config, data, {
    ...opened,
    folder,
    seed,
    communicator,
    resume,
    weights: plan.weightFile,
    maxSteps: plan.steps,
    length: requestedLength(length, { recipe, startMs, reportImages }),
    checkpointMinutes: checkpointMinutes ?? CHECKPOINT_MINUTES,
    signal: monitor.signal,
    listener: monitor,
    observer: narrator,
  });
  return { ...result, verdict: narrator.verdict };
}
