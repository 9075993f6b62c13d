import type { SharedWorkOptions } from './distributed/shared-work.js';

/** How a model is scored on a data set. */
export interface EvaluationOptions extends SharedWorkOptions {
  /** Default `val`. */
  readonly split?: 'train' | 'val' | undefined;
  /** Images at a time (classify), default 8. */
  readonly batch?: number | undefined;
  /** Threads that load images (classify), default 2. */
  readonly workers?: number | undefined;
  /** Only the first images. */
  readonly limit?: number | undefined;
  /** Lines by category or class in the table. */
  readonly perCategory?: boolean | undefined;
  /** Fraction of the images that is held out where the data has one part only, and the seed of that division. */
  readonly valFraction?: number | undefined;
  readonly seed?: number | undefined;
}

/** Scores for programs and for people. */
export interface EvaluationReport {
  /** What `eval --json` prints. */
  readonly document: Readonly<Record<string, unknown>>;
  /** Rows of the table; the first is the header. */
  readonly table: readonly (readonly (string | number)[])[];
}

/** Tells the rate at every tenth of the images. */
export function tellingProgress(
  onNotice: SharedWorkOptions['onNotice'],
): (done: number, total: number) => void {
  const start = performance.now();
  return (done, total) => {
    if (Math.floor((10 * done) / total) === Math.floor((10 * (done - 1)) / total)) return;
    const rate = (1000 * done) / (performance.now() - start);
    const memory = (process.memoryUsage.rss() / 2 ** 20).toFixed(0);
    onNotice?.(`${done} of ${total} images, ${rate.toFixed(2)} images/s, ${memory} MiB`);
  };
}
