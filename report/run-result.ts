import {
  dictionary,
  number,
  optional,
  record,
  whole,
  withUnknownFields,
  type Schema,
} from '../core/schema.js';
import { readCheckedJson } from '../io/checked-json.js';
import { runFile } from './run-folder.js';

/** Name of the file in a run folder with the outcome of the run. */
export const RESULT = 'result.json';

/** Outcome of a run. */
export interface RunResult {
  readonly step: number;
  /** `finished`, `interrupted`, or the reason of an early stop. */
  readonly ended: string;
  /** Verdict after a tenth of the run, and that of a run with `overfit`. */
  readonly learning?: string | undefined;
  readonly overfit?: string | undefined;
  /** Wall time of the last session in seconds, by phase. */
  readonly seconds: Readonly<Record<string, number>>;
  /** CPU time of the last session over all threads in seconds. */
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
}

/**
 * Reads the outcome of a run from its folder, or returns undefined while it runs. @throws DataError if the file is
 * damaged
 */
export function readResult(folder: string): RunResult | undefined {
  return readCheckedJson(runFile(folder, RESULT), ResultSchema, 'the end of a run');
}

const LINE: Schema<string> = { type: 'string' };

const ResultSchema: Schema<RunResult> = withUnknownFields(
  record({
    step: whole(0),
    ended: LINE,
    learning: optional(LINE),
    overfit: optional(LINE),
    seconds: dictionary(number()),
    cpuSeconds: number(),
    peakMemoryBytes: number(),
  }),
);
