import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import type { Run, TrainResult } from '../../train/loop.js';
import type { RecipeConfig } from '../../train/config/schemas.js';
import { trainTask } from '../../train/run.js';
import type { Task, TrainingData } from '../../train/tasks/task.js';

/** A run with its configuration and data; what is not given has a default. */
export interface RunOptions<Config, Set>
  extends
    TrainingData<Set>,
    Pick<Run, 'engine' | 'folder'>,
    Partial<Omit<Run, 'engine' | 'folder'>> {
  readonly config: Config;
}

/** Trains in one process. */
export function runTask<Config extends RecipeConfig, Set>(
  task: Task<Config, Set>,
  { config, training, validation, ...run }: RunOptions<Config, Set>,
): Promise<TrainResult> {
  const defaults = { seed: 0, resume: false, maxSteps: null, communicator: SINGLE_PROCESS };
  return trainTask(task, config, { training, validation }, { ...defaults, ...run });
}
