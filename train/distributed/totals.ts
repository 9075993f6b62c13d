import type { Scalars } from '../task.js';
import type { Communicator } from './communicator.js';

/** What ranks tell each other before an update. */
export interface StepReport {
  /** Every rank has the same names. */
  readonly losses: Scalars;
  readonly numImages: number;
  /** Whether this rank was asked to stop after the step. */
  readonly isStopping: boolean;
}

/** Losses averaged and images added up over ranks; stopping as soon as one of them is. One process: the report itself. */
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
