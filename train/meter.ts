import type { CommunicationTimes, Communicator } from './distributed/communicator.js';
import type { StepRates } from './log-record.js';

/** Meter of rates since the last log line. */
export class Meter {
  images = 0;
  private waitMs = 0;
  private since = performance.now();
  private before: CommunicationTimes;

  /** @param ranks several, or one */
  constructor(private readonly ranks: Pick<Communicator, 'size' | 'times'>) {
    this.before = { ...ranks.times };
  }

  /** Times a wait for data. */
  async waiting<T>(promise: Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await promise;
    this.waitMs += performance.now() - start;
    return value;
  }

  /** Returns the rates and resets the meter. */
  read(): StepRates {
    const elapsedMs = performance.now() - this.since;
    const { size, times } = this.ranks;
    const rates = {
      imagesPerSecond: (1000 * this.images) / elapsedMs,
      dataWait: this.waitMs / elapsedMs,
      rssBytes: process.memoryUsage.rss(),
      ...(size > 1 && {
        rankWait: (times.waitMs - this.before.waitMs) / elapsedMs,
        allReduce: (times.transferMs - this.before.transferMs) / elapsedMs,
      }),
    };
    this.restart();
    return rates;
  }

  restart(): void {
    this.images = 0;
    this.waitMs = 0;
    this.since = performance.now();
    this.before = { ...this.ranks.times };
  }
}
