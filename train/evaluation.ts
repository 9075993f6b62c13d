import { percent } from '../report/format.js';
import { counted } from './data-facts.js';
import type { DataOptions } from '../datasets/layout/types.js';
import type { ShardedWorkOptions } from './distributed/sharded-work.js';

/** Options of an evaluation. */
export interface EvaluationOptions extends ShardedWorkOptions, Omit<DataOptions, 'classes'> {
  /** Names of the classes of the data, as `classes` of training: for label files without names, or to choose some. */
  readonly dataClasses?: readonly string[] | undefined;
  /** Default `val`. */
  readonly split?: 'train' | 'val' | undefined;
  /** Batch size (classify), default 8. */
  readonly batch?: number | undefined;
  /** Number of threads that load images (classify), default 2. */
  readonly workers?: number | undefined;
  /** Number of images from the beginning; default: all. */
  readonly limit?: number | undefined;
  /** Whether the table has rows by category or class. */
  readonly perCategory?: boolean | undefined;
}

/** Selects the options of the data. */
export function dataOptionsIn(options: EvaluationOptions): DataOptions {
  const { valFraction, seed, layout, classAttribute, dataClasses: classes } = options;
  return { valFraction, seed, layout, classAttribute, classes };
}

/** Scores for programs and for people. */
export interface EvaluationReport {
  /** JSON document of `eval --json`. */
  readonly document: Readonly<Record<string, unknown>>;
  /** The one number that says most: `AP 37.1 % (boxes, 40 images)`; absent if nothing was scored. */
  readonly headline?: string | undefined;
  /** Rows of the table; the first is the header. */
  readonly table: readonly (readonly (string | number)[])[];
}

/** Formats the one number of an evaluation. */
export function headlineOf(
  metric: string,
  fraction: number,
  { what, images }: { readonly what?: string | undefined; readonly images: number },
): string | undefined {
  if (images === 0) return undefined;
  const of = [...(what === undefined ? [] : [what]), counted(images, 'image')].join(', ');
  return `${metric} ${percent(fraction)} % (${of})`;
}

/** Reports the rate at every 10 % of the images. */
export function tellingProgress(
  onNotice: ShardedWorkOptions['onNotice'],
): (done: number, total: number) => void {
  const start = performance.now();
  return (done, total) => {
    if (Math.floor((10 * done) / total) === Math.floor((10 * (done - 1)) / total)) return;
    const rate = (1000 * done) / (performance.now() - start);
    const memory = (process.memoryUsage.rss() / 2 ** 20).toFixed(0);
    onNotice?.(`${done} of ${total} images, ${rate.toFixed(2)} images/s, ${memory} MiB`);
  };
}
