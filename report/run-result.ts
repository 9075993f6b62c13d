import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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

/** What a run folder says about its end, or undefined while it runs. */
export function readResult(folder: string): RunResult | undefined {
  const file = join(folder, RESULT);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunResult) : undefined;
}
