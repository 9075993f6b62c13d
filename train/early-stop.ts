import type { LogRecord } from './log-record.js';

/** Counts evaluations since the best one. */
export class EarlyStop {
  private best = -Infinity;
  private bestStep = 0;
  /** Steps of the evaluations since the best one. */
  private readonly since = new Set<number>();

  /**
   * @param metric name of the metric whose highest value is the best
   * @param patience number of evaluations without improvement
   */
  constructor(
    private readonly metric: string,
    private readonly patience: number,
  ) {}

  /** @returns the reason to stop, or undefined to continue */
  record(record: LogRecord): string | undefined {
    const value = record.kind === 'eval' ? record.metrics[this.metric] : undefined;
    if (value === undefined) return undefined;
    // Weights and their EMA are one evaluation: either may be the best.
    if (value > this.best) {
      this.best = value;
      this.bestStep = record.step;
      this.since.clear();
    } else if (record.step !== this.bestStep) this.since.add(record.step);
    if (this.since.size < this.patience) return undefined;
    return `no better ${this.metric} than ${this.best.toPrecision(4)} of step ${this.bestStep} in ${this.patience} evaluations`;
  }
}
