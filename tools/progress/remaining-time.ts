import { median, mean } from '../../core/statistics.js';
import type { WorkAhead } from '../../train/log-record.js';

/** Number of the newest intervals whose steps count. */
const WINDOW = 24;
/** Factor of the median above which an interval is left out: it builds graphs of other shapes, or the machine slept. */
const OUTLIER = 2.5;

/** Part of the time of the set-up that an evaluation takes besides its images: it starts threads and builds graphs, too. */
const SET_UP_FRACTION = 1 / 3;

/**
 * Estimate of the time that is left: the steps at the mean time of a step, and the evaluations at the mean time of those
 * seen, or before the first by the number of their images. The steps before the first record are not counted: they begin
 * with the set-up.
 */
export class RemainingTime {
  private setUpMs: number | undefined;
  private at: { readonly step: number; readonly ms: number } | undefined;
  /** Milliseconds per step of each interval without evaluation. */
  private readonly intervals: number[] = [];
  private pause: { readonly startStep: number; readonly startMs: number } | undefined;
  private readonly pausesMs: number[] = [];

  /** @param startMs time of the start, before the set-up */
  constructor(private readonly startMs: number) {}

  /** Counts steps that end now. */
  stepped(step: number, ms: number): void {
    this.endPause();
    this.setUpMs ??= ms - this.startMs;
    if (this.at && step > this.at.step)
      this.intervals.push((ms - this.at.ms) / (step - this.at.step));
    this.at = { step, ms };
  }

  /** Counts an evaluation (of weights, or then of their EMA) that ends now. */
  evaluated(step: number, ms: number): void {
    if (this.at) this.pause ??= { startStep: this.at.step, startMs: this.at.ms };
    this.at = { step, ms };
  }

  /**
   * Estimates the time from the newest record to the end.
   *
   * @param totalSteps infinite if it is not known
   * @param ahead evaluations that are left, and what each costs in steps as long as none was seen
   * @returns seconds; undefined before the second record of steps
   */
  seconds(totalSteps: number, ahead?: WorkAhead): number | undefined {
    const msPerStep = this.msPerStep();
    if (this.at === undefined || msPerStep === undefined || !Number.isFinite(totalSteps))
      return undefined;
    const { evaluations = 0, stepsOfEvaluation = 0, secondsAtMost = Infinity } = ahead ?? {};
    const steps = Math.max(0, totalSteps - this.at.step);
    const msOfEvaluation =
      this.pausesMs.length > 0
        ? mean(this.pausesMs)
        : stepsOfEvaluation * msPerStep + SET_UP_FRACTION * (this.setUpMs ?? 0);
    const seconds = (steps * msPerStep + evaluations * msOfEvaluation) / 1000;
    return Math.min(seconds, Math.max(0, secondsAtMost));
  }

  private msPerStep(): number | undefined {
    const newest = this.intervals.slice(-WINDOW);
    if (newest.length === 0) return undefined;
    const limit = OUTLIER * median(newest);
    return mean(newest.filter((value) => value <= limit));
  }

  /** The time from the last steps to the evaluation's end, without the steps in between, is that of the evaluation. */
  private endPause(): void {
    const { pause, at } = this;
    const msPerStep = this.msPerStep();
    this.pause = undefined;
    if (!pause || !at || msPerStep === undefined) return;
    const stepsMs = (at.step - pause.startStep) * msPerStep;
    this.pausesMs.push(Math.max(0, at.ms - pause.startMs - stepsMs));
  }
}
