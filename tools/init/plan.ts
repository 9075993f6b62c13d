import { availableParallelism, totalmem } from 'node:os';
import type { TaskName } from '../../train/tasks/index.js';

/** Tasks to choose from. */
export const TASK_NAMES = [
  'detect',
  'segment',
  'classify',
  'pretrain',
] as const satisfies readonly TaskName[];

/** Sizes of machines to choose a model for, smallest first. */
export const MACHINES = ['small', 'medium', 'large'] as const;

/** One of {@link MACHINES}. */
export type Machine = (typeof MACHINES)[number];

/** Descriptions of the machines, for questions and comments. */
export const MACHINE_HINTS: Readonly<Record<Machine, string>> = {
  small: 'up to 4 cores or less than 12 GiB: the smallest model, from scratch',
  medium: 'from 6 cores and 12 GiB: Nano, from pretrained weights',
  large: 'from 16 cores and 30 GiB: Tiny, from pretrained weights',
};

/** Guesses the size of this machine. */
export function guessMachine(cores = availableParallelism(), bytes = totalmem()): Machine {
  const gib = bytes / 2 ** 30;
  if (cores >= 16 && gib >= 30) return 'large';
  return cores >= 6 && gib >= 12 ? 'medium' : 'small';
}

/** Answers to the questions of `init`. */
export interface Choices {
  readonly task: TaskName;
  readonly data: string;
  readonly machine: Machine;
}

/** A setting of the file, with the comment above it. */
export interface PlannedSetting {
  readonly path: string;
  readonly value: unknown;
  readonly why: string;
}

/** Recipe, weights and settings for the choices. */
export interface ConfigPlan {
  readonly recipe: string;
  /** Published weights to start from; undefined: from scratch. */
  readonly weights: string | undefined;
  readonly settings: readonly PlannedSetting[];
}

/** Threads that load images, by machine. */
const WORKERS: Readonly<Record<Machine, number>> = { small: 1, medium: 2, large: 4 };
/** Images of a step and steps of an update, by task and machine. */
const BATCHES: Readonly<Record<TaskName, Readonly<Record<Machine, readonly [number, number]>>>> = {
  classify: { small: [32, 1], medium: [16, 1], large: [32, 1] },
  detect: { small: [2, 1], medium: [2, 2], large: [4, 1] },
  segment: { small: [4, 1], medium: [4, 1], large: [8, 1] },
  pretrain: { small: [32, 1], medium: [64, 1], large: [128, 1] },
};

/** Plans a configuration: the recipes' values, but for what depends on the machine. */
export function planConfig({ task, machine }: Choices): ConfigPlan {
  const isScratch = machine === 'small' || task === 'pretrain';
  const [batchSize, accumulation] = BATCHES[task][machine];
  const size = machine === 'large' ? 'tiny' : 'nano';
  return {
    recipe: isScratch ? task : `${task}-finetune`,
    weights: isScratch ? undefined : `${size}.fcmae_ft_in1k`,
    settings: [
      {
        path: 'batchSize',
        value: batchSize,
        why: 'Images at a time: fewer take less memory.',
      },
      {
        path: 'accumulation',
        value: accumulation,
        why: 'Times of those to one update: batchSize × accumulation images change the weights once.',
      },
      { path: 'workers', value: WORKERS[machine], why: 'Threads that decode images.' },
      { path: 'keepCheckpoints', value: 2, why: 'Newest checkpoints to keep, besides the best.' },
    ],
  };
}
