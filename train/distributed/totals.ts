import type { Scalars } from '../trainer.js';
import type { Communicator } from './communicator.js';

/** Report of a rank before an update. */
export interface StepReport {
  /** Losses; every rank has the same names. */
  readonly losses: Scalars;
  readonly numImages: number;
  /** Whether this rank should stop after the step. */
  readonly isStopping: boolean;
}

/**
 * Combines reports: losses are averaged and images summed over ranks; stops if any rank should stop. One process: the
 * report itself.
 */
export async function joinReports(
  communicator: Communicator,
  report: StepReport,
): Promise<StepReport> {
  const { size } = communicator;
  if (size === 1) return report;
  const names = Object.keys(report.losses);
  const values = Float32Array.of(
    ...names.map((name) => report.losses[name]),
    report.numImages,
    Number(report.isStopping),
  );
  await communicator.allReduceSum(values, { what: 'losses' });
  return {
    losses: Object.fromEntries(names.map((name, i) => [name, values[i] / size])),
    numImages: values[names.length],
    isStopping: values[names.length + 1] > 0,
  };
}

/** Sums counts over ranks, e.g. the positives that normalize a loss. One process: the counts themselves. */
export async function totalCounts(
  communicator: Communicator,
  what: string,
  counts: readonly number[],
): Promise<readonly number[]> {
  if (communicator.size === 1) return counts;
  const totals = Float32Array.from(counts); // exact up to 16 million
  await communicator.allReduceSum(totals, { what });
  return Array.from(totals);
}
