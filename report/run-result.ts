import * as t from '../core/schema.js';
import { readCheckedJson } from '../io/checked-json.js';
import { runFile } from '../io/run-folder.js';

/** Name of the file in a run folder with the outcome of the run. */
export const RESULT = 'result.json';

/** Outcome of a run. */
export type RunResult = t.Infer<typeof Result>;
const Result = t.withUnknownFields(
  t.record({
    step: t.whole(0),
    /** `finished`, `interrupted`, `stopped by --steps`, or the reason of another early stop. */
    ended: t.STRING,
    /** Verdict after a tenth of the run, and that of a run with `overfit`. */
    learning: t.optional(t.STRING),
    overfit: t.optional(t.STRING),
    /** Wall time of the last session in seconds, by phase. */
    seconds: t.dictionary(t.number()),
    /** CPU time of the last session over all threads in seconds. */
    cpuSeconds: t.number(),
    peakMemoryBytes: t.number(),
  }),
);

/**
 * Reads the outcome of a run from its folder, or returns undefined while it runs. @throws DataError if the file is
 * damaged
 */
export function readResult(folder: string): RunResult | undefined {
  return readCheckedJson(runFile(folder, RESULT), Result, 'the end of a run');
}
