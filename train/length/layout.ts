import * as t from '../../core/schema.js';
import type { Schedule } from '../schedule.js';

/** Task-specific length and intervals of a run. */
export interface RunLength {
  readonly schedule: Schedule;
  readonly epochs: number;
  /** Number of epochs between evaluations; the last epoch is always evaluated. */
  readonly evaluateEvery: number;
  /** Number of epochs between checkpoints. In addition, one is saved at the end and on interruption. */
  readonly checkpointEvery: number;
  /** Number of steps between checkpoints, also inside an epoch. */
  readonly checkpointEverySteps?: number | undefined;
  /** Number of steps after which to stop. */
  readonly maxSteps?: number | undefined;
}

/** Length and intervals of a run in steps: laid out once, stored with the run, and kept when it is resumed. */
export const RunLayout = t.record({
  /** Cause: `--minutes`, `--epochs`, or the rule for the set. */
  by: t.oneOf('minutes', 'epochs', 'rule'),
  /** Number of steps of the run. */
  steps: t.whole(1),
  warmupSteps: t.whole(0),
  evaluateEverySteps: t.whole(1),
  checkpointEverySteps: t.whole(1),
  /** Number of held-out images of every evaluation; null: all. */
  evaluationImages: t.orNull(t.whole(1)),
  /** Number of steps done before it was laid out, with the learning rates of {@link provisionalRate}. */
  decidedAt: t.whole(0),
  /** Measured, or null. */
  secondsPerStep: t.orNull(t.NON_NEGATIVE),
});
export type RunLayout = t.Infer<typeof RunLayout>;

/** Settings of the user, which a layout keeps. */
export interface KeptSettings {
  readonly warmup: boolean;
  readonly evaluateEvery: boolean;
  readonly checkpointEvery: boolean;
}

/** Largest fraction of the steps for the warm-up, and of the time for evaluations. */
const WARMUP_FRACTION = 0.1;
export const EVALUATION_FRACTION = 0.05;
/** Largest number of evaluations; the first is then that of the early verdict. */
const MOST_EVALUATIONS = 10;
/** Cost of an evaluated image in training images: one forward pass of three passes, and what finds the objects. */
export const EVALUATED_IMAGE = 0.5;
/** Fewest checkpoints, if there are fewer evaluations. */
const FEWEST_CHECKPOINTS = 4;

/** Number of steps, and what it is based on. */
interface LayoutBasis extends Pick<RunLayout, 'by' | 'steps'> {
  /** Number of evaluations, at least 1: the last. */
  readonly evaluations: number;
  readonly decidedAt?: number | undefined;
  readonly evaluationImages?: number | undefined;
  readonly secondsPerStep?: number | undefined;
}

/**
 * Lays out a run of a number of steps: warm-up as in the recipe but at most a tenth, evaluations and checkpoints evenly
 * spaced.
 */
export function layOut(
  basis: LayoutBasis,
  configured: RunLength,
  { stepsPerEpoch, kept }: { readonly stepsPerEpoch: number; readonly kept: KeptSettings },
): RunLayout {
  const { by, steps, evaluations, decidedAt = 0, evaluationImages, secondsPerStep } = basis;
  const inSteps = (epochs: number): number => Math.max(1, Math.min(steps, epochs * stepsPerEpoch));
  const { schedule, evaluateEvery, checkpointEvery, checkpointEverySteps } = configured;
  const warmup = warmupSteps(configured, steps, { stepsPerEpoch, isKept: kept.warmup });
  const isWarm =
    decidedAt > 0 && provisionalRate(schedule, decidedAt, stepsPerEpoch) >= schedule.lr;
  return {
    by,
    steps,
    decidedAt,
    // A rate that was reached before the layout does not fall again.
    warmupSteps: isWarm ? Math.min(warmup, decidedAt) : warmup,
    evaluateEverySteps: kept.evaluateEvery
      ? inSteps(evaluateEvery)
      : Math.ceil(steps / evaluations),
    checkpointEverySteps: kept.checkpointEvery
      ? Math.min(checkpointEverySteps ?? Infinity, inSteps(checkpointEvery))
      : Math.ceil(steps / Math.max(FEWEST_CHECKPOINTS, evaluations)),
    evaluationImages: evaluationImages ?? null,
    secondsPerStep: secondsPerStep ?? null,
  };
}

/** Number of evaluations whose images cost at most {@link EVALUATION_FRACTION} of the run, at least 1. */
export function affordableEvaluations(trainedImages: number, evaluatedImages: number): number {
  const cost = EVALUATED_IMAGE * evaluatedImages;
  const affordable = cost > 0 ? Math.floor((EVALUATION_FRACTION * trainedImages) / cost) : 1;
  return Math.max(1, Math.min(MOST_EVALUATIONS, affordable));
}

function warmupSteps(
  { schedule, epochs }: RunLength,
  steps: number,
  { stepsPerEpoch, isKept }: { readonly stepsPerEpoch: number; readonly isKept: boolean },
): number {
  const isCosine = schedule.kind === 'cosine';
  const given = isCosine ? schedule.warmupEpochs * stepsPerEpoch : schedule.warmup.steps;
  if (isKept) return Math.min(steps, Math.round(given));
  // The warm-up of a cosine is a number of epochs, so that it is a fraction of the run.
  const wanted = isCosine ? (schedule.warmupEpochs / epochs) * steps : given;
  return Math.floor(Math.min(wanted, WARMUP_FRACTION * steps));
}

/** Schedule of a layout. Its unit of epochs is a step. */
export function laidOutSchedule(
  { schedule, epochs }: RunLength,
  { steps, warmupSteps }: RunLayout,
): Schedule {
  switch (schedule.kind) {
    case 'cosine':
      return { ...schedule, epochs: steps, warmupEpochs: warmupSteps };
    case 'multiStep': {
      const milestones = schedule.milestones.map((m) => Math.round((m / epochs) * steps));
      return { ...schedule, milestones, warmup: { ...schedule.warmup, steps: warmupSteps } };
    }
    case 'poly':
      return { ...schedule, steps, warmup: { ...schedule.warmup, steps: warmupSteps } };
    default:
      return schedule satisfies never;
  }
}

/** Learning rate of a step before the layout: the warm-up of the recipe, then its full rate. */
export function provisionalRate(schedule: Schedule, step: number, stepsPerEpoch: number): number {
  if (schedule.kind === 'cosine') {
    const steps = schedule.warmupEpochs * stepsPerEpoch;
    return steps > 0 ? schedule.lr * Math.min(1, step / steps) : schedule.lr;
  }
  const { steps, ratio } = schedule.warmup;
  return schedule.lr * (step < steps ? ratio + (1 - ratio) * (step / steps) : 1);
}
