import { formatDuration } from '../core/duration.js';

/** Time after which another line says how far the steps are. */
const INTERVAL_MS = 15_000;

/** Lines about steps that take long and write nothing else: how many are done, and the time that is left. */
export class StepsLeft {
  /** End of the first step, which also builds graphs and does not count. */
  private firstMs: number | undefined;
  private toldMs: number;

  /**
   * @param what the work, as a line begins
   * @param now returns milliseconds
   */
  constructor(
    private readonly what: string,
    private readonly numSteps: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.toldMs = now();
  }

  /** Counts a step. @param done number of steps that are done @returns a line, if it is time for one */
  line(done: number): string | undefined {
    const ms = this.now();
    if (this.firstMs === undefined) {
      this.firstMs = ms;
      return undefined;
    }
    if (ms - this.toldMs < INTERVAL_MS || done >= this.numSteps) return undefined;
    this.toldMs = ms;
    const seconds = (((ms - this.firstMs) / (done - 1)) * (this.numSteps - done)) / 1000;
    return `${this.what}: step ${done} of ${this.numSteps}, ${formatDuration(seconds)} left`;
  }
}
