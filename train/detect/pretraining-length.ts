import type { ObjectPretraining } from '../config/object-pretraining.js';
import type { WarmUpRequest } from '../tasks/task.js';

/** Most steps for a minute of a run that has to end in time. */
const STEPS_PER_MINUTE = 60;
/** A run that is to stop after fewer steps is a trial, which is not kept waiting. */
const TRIAL_STEPS = 100;
/** Fewer steps teach nothing. */
const FEWEST_STEPS = 50;
/** Largest fraction of the time of a run, with the cutting. */
const TIME_FRACTION = 0.15;
/** Number of steps that are timed, and of those before them, which build graphs. */
const TIMED_STEPS = 8;
const BUILDING_STEPS = 2;

/** Whether a run is to stop after so few steps that nothing is learned before the first. */
export const isTrial = ({ stopsAfter = Infinity }: Pick<WarmUpRequest, 'stopsAfter'>): boolean =>
  stopsAfter < TRIAL_STEPS;

/**
 * Computes the largest number of steps before a run of so many steps, or minutes: no more than the run itself has. Where
 * the run is to stop does not matter, so that it can go on as if it had not stopped.
 */
export function pretrainingSteps(
  { steps }: Pick<ObjectPretraining, 'steps'>,
  { steps: runSteps, minutes }: Pick<WarmUpRequest, 'steps' | 'minutes'>,
): number {
  const affordable =
    minutes === undefined ? runSteps : Math.min(minutes * STEPS_PER_MINUTE, runSteps);
  const chosen = Math.min(steps, Math.floor(affordable));
  return chosen < FEWEST_STEPS ? 0 : chosen;
}

/**
 * Number of steps of pretraining, which for a run that has to end in time is decided by the first of them, and kept when
 * the run is repeated. Until then, the learning rates are those of the largest number.
 */
export class PretrainingLength {
  private decided: number;
  private done = 0;
  private timedFrom = 0;
  private readonly now: () => number;
  private readonly startMs: number;

  /**
   * @param most largest number of steps
   * @param request with the time of the run, and the number of steps of the run that is repeated
   */
  constructor(
    private readonly most: number,
    private readonly request: Pick<WarmUpRequest, 'minutes' | 'decidedSteps' | 'now'>,
  ) {
    this.decided = most;
    this.now = request.now ?? (() => performance.now());
    this.startMs = this.now();
  }

  /** Number of steps that all rates and the end follow from now. */
  get steps(): number {
    return this.decided;
  }

  /** Counts a step. */
  stepped(): void {
    this.done++;
    const { minutes, decidedSteps } = this.request;
    if (minutes === undefined) return;
    if (this.done === BUILDING_STEPS) this.timedFrom = this.now();
    if (this.done !== BUILDING_STEPS + TIMED_STEPS) return;
    this.decided = Math.max(
      this.done,
      Math.min(this.most, decidedSteps ?? this.affordable(minutes)),
    );
  }

  private affordable(minutes: number): number {
    const msPerStep = (this.now() - this.timedFrom) / TIMED_STEPS;
    const left = TIME_FRACTION * 60_000 * minutes - (this.now() - this.startMs);
    return this.done + Math.floor(Math.max(left, 0) / Math.max(msPerStep, 1e-3));
  }
}
