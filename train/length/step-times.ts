import * as t from '../../core/schema.js';
import { mean, quantile } from '../../core/statistics.js';

/** Times of the steps before the layout; stored in checkpoints. */
export const StepTimesState = t.record({
  /** Number of steps, and their total time. */
  steps: t.whole(0),
  totalSeconds: t.NON_NEGATIVE,
  /** Times of the steps that count: not the first ones of a session, which build graphs. */
  seconds: t.listOf(t.NON_NEGATIVE),
});
export type StepTimesState = t.Infer<typeof StepTimesState>;

/** Number of steps of a session that build graphs. */
const BUILDING_STEPS = 3;
/** Fewest steps of a measurement, and its longest time. */
const FEWEST_STEPS = 11;
const LONGEST_SECONDS = 60;
/** Fraction of the budget that is measured, if the steps are fast, if they are slow, and if even the first take long. */
const FRACTION = 0.05;
const LARGE_FRACTION = 0.1;
const LARGEST_FRACTION = 0.25;
/** Fewest steps, unless they take too long: three that build graphs, three that count. */
const FEWEST_SLOW_STEPS = 6;
/**
 * Factor of the lower quartile above which a step is left out: it builds the graph of another input shape, as most of the
 * first ones may do.
 */
const OUTLIER = 3;

/** Measurement of the time of a step. */
export class StepTimes {
  private steps: number;
  private totalSeconds: number;
  private readonly earlier: number;
  private readonly seconds: number[];
  private session = 0;
  private shortest = Infinity;

  /** @param before measurement of earlier sessions of the run */
  constructor(before?: StepTimesState) {
    this.steps = before?.steps ?? 0;
    this.totalSeconds = this.earlier = before?.totalSeconds ?? 0;
    this.seconds = [...(before?.seconds ?? [])];
  }

  /** Adds a step. */
  add(seconds: number): void {
    this.steps++;
    this.totalSeconds += seconds;
    this.shortest = Math.min(this.shortest, seconds);
    if (++this.session > BUILDING_STEPS) this.seconds.push(seconds);
  }

  /** Whether the measurement is long enough for a time budget. */
  isEnough(budgetSeconds: number): boolean {
    const { steps, totalSeconds } = this;
    if (totalSeconds >= LARGEST_FRACTION * budgetSeconds) return steps > 0;
    if (steps < FEWEST_SLOW_STEPS) return false;
    if (totalSeconds >= LARGE_FRACTION * budgetSeconds) return true;
    const wanted = Math.min(FRACTION * budgetSeconds, LONGEST_SECONDS);
    return steps >= FEWEST_STEPS && totalSeconds >= wanted;
  }

  /** Total time of the steps of earlier sessions, which are part of the time of the run. */
  get secondsBefore(): number {
    return this.earlier;
  }

  /** Mean time of a step in seconds, without the steps that build graphs. */
  mean(): number {
    if (this.seconds.length === 0) return this.shortest;
    const limit = OUTLIER * quantile(this.seconds, 0.25);
    return mean(this.seconds.filter((value) => value <= limit));
  }

  state(): StepTimesState {
    const { steps, totalSeconds, seconds } = this;
    return { steps, totalSeconds, seconds: [...seconds] };
  }
}
