import { join } from 'node:path';
import { readJsonIfPresent } from '../io/files/read.js';

/** Name of the file in a run folder that says how the run ended. */
export const RESULT = 'result.json';

/** How a run ended. */
export interface RunResult {
  readonly step: number;
  /** `finished`, `interrupted`, or why it was stopped early. */
  readonly ended: string;
  /** Wall time of the last session, seconds, by part. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Processor time of the last session over all threads, seconds. */
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
}

/** The end of a run as its folder tells it, or undefined while it runs. @throws DataError if the file is damaged */
export function readResult(folder: string): RunResult | undefined {
  return readJsonIfPresent(join(folder, RESULT), 'the end of a run');
}
