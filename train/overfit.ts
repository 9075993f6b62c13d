import { DataError } from '../core/errors.js';
import { evenly } from '../datasets/evenly.js';
import type { RecipeConfig } from './config/schemas.js';
import { counted, type LearnedScore } from './data-facts.js';
import type { EarlyVerdict } from './early-verdict.js';
import type { LogRecord } from './log-record.js';
import type { LoadedData, Task } from './tasks/task.js';

/** Verdict of a run with `overfit`. */
export interface OverfitVerdict {
  readonly learnt: boolean;
  readonly metric: string;
  /** Best score of the images; null if none was scored. */
  readonly value: number | null;
  readonly atLeast: number;
  /** Sentence for people. */
  readonly line: string;
}

/**
 * Selects a few images, spread over the set, that a run is trained and scored on without augmentation.
 *
 * @throws DataError if no image has labels
 */
export async function toOverfit(
  task: Task,
  data: LoadedData<unknown>,
  {
    config,
    count,
    note,
  }: {
    readonly config: RecipeConfig;
    readonly count: number;
    readonly note: (line: string) => void;
  },
): Promise<{ readonly data: LoadedData<unknown>; readonly config: RecipeConfig }> {
  const labeled = task.labeled(data.training);
  if (labeled.length === 0)
    throw new DataError('--overfit: expected images with labels to learn, got none');
  const telling = (await task.telling?.(data.training, labeled)) ?? labeled;
  const indices = evenly(telling.length > 0 ? telling : labeled, count);
  const chosen = task.select(data.training, indices);
  note(`trains on ${counted(indices.length, 'image')} without augmentation, and is scored on them`);
  return {
    data: { ...data, training: chosen, validation: chosen },
    config: withoutAugmentation(config, indices.length),
  };
}

/** Configuration without augmentation and regularization. @param count number of images */
function withoutAugmentation(config: RecipeConfig, count: number): RecipeConfig {
  const small = {
    batchSize: Math.min(config.batchSize, count),
    accumulation: 1,
    weightDecay: 0,
  };
  switch (config.task) {
    case 'classify':
      return {
        ...config,
        ...small,
        dropPathRate: 0,
        labelSmoothing: 0,
        emaDecay: null,
        training: { kind: 'evaluation', resize: config.evaluation },
      };
    case 'pretrain':
      return {
        ...config,
        ...small,
        training: { kind: 'evaluation', resize: config.evaluation },
      };
    case 'detect':
      return {
        ...config,
        ...small,
        dropPathRate: 0,
        emaDecay: null,
        training: { kind: 'evaluation', limits: config.evaluation.limits },
      };
    case 'segment':
      return {
        ...config,
        ...small,
        dropPathRate: 0,
        dropoutRate: 0,
        emaDecay: null,
        photometric: null,
        geometry: { ...config.geometry, ratio: [1, 1], flipProbability: 0 },
      };
    default:
      return config satisfies never;
  }
}

/** Watches the scores of a run with `overfit`, which ends when the images are learned. */
export class OverfitGoal {
  private best: number | null = null;

  constructor(private readonly goal: LearnedScore) {}

  /** @returns the reason to stop, or undefined to continue */
  record(record: LogRecord): string | undefined {
    const value = record.kind === 'eval' ? record.metrics[this.goal.metric] : undefined;
    if (value === undefined) return undefined;
    this.best = Math.max(this.best ?? -Infinity, value);
    return value >= this.goal.atLeast ? `${this.goal.metric} ${value.toPrecision(3)}` : undefined;
  }

  /** @param step number of steps done @param early verdict after a tenth of the run */
  verdict(step: number, early: EarlyVerdict | undefined): OverfitVerdict {
    const { goal, best } = this;
    const isLearned = best !== null && best >= goal.atLeast;
    const score = `${goal.metric} ${best === null ? 'unknown' : best.toPrecision(3)}`;
    return {
      ...goal,
      learnt: isLearned,
      value: best,
      line: isLearned
        ? `the set can be learned: ${score} on the images that it was trained on (${goal.atLeast} asked for)`
        : `the set was not learned: ${score} on the images that it was trained on, ${goal.atLeast} asked for; ` +
          `likely: ${early?.reason ?? `labels that do not fit the pictures, see data browse; or too few steps (${step}): more --minutes`}`,
    };
  }
}
