import type { DataOptions } from '../datasets/layout/types.js';
import type { Backbone } from '../engine/backbone.js';
import type { ReportBars, RunEvaluation } from '../report/evaluation-document.js';

/** Options of report sections about a trained model. */
export interface SectionsRequest extends DataOptions {
  /** `--data` of the run. */
  readonly data: string;
  /** Run folder, for pictures. */
  readonly folder: string;
  /** Custom backbone, if any. */
  readonly backbone?: Backbone | undefined;
  /** Largest number of images. */
  readonly limit: number;
}

/** Report sections without the description of the weights. */
export type ReportSections = Omit<RunEvaluation, 'step' | 'which'>;

/** Counts the objects or images of every class. @param classIndices one per object or image */
export function countBars(
  title: string,
  classIndices: Iterable<number>,
  names: readonly string[],
): ReportBars {
  const counts = new Array<number>(names.length).fill(0);
  for (const k of classIndices) counts[k]++;
  return {
    title,
    bars: names.map((name, k) => ({ name, value: counts[k], text: String(counts[k]) })),
  };
}
