import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inOptions } from '../core/option-words.js';
import { writeAtomicallySync } from '../io/files/atomic.js';
import { METRICS, readMetrics } from '../io/run-folder.js';
import type { RestoredRun } from './checkpoints.js';
import { EarlyStop } from './early-stop.js';
import type { LogRecord, RunListener, WorkAhead } from './log-record.js';
import { RunEvents } from './run-events.js';

/** Rule that ends a run. */
interface RunEnd {
  /** @returns the reason to stop, or undefined to continue */
  record(record: LogRecord): string | undefined;
}

/** Options of a {@link RunMonitor}. */
interface MonitorOptions {
  readonly folder: string;
  /** Name of the metric whose highest value is the best. */
  readonly metric: string;
  /** Number of evaluations without improvement after which the run ends. */
  readonly patience?: number | undefined;
  /** Goal that ends the run when it is reached. */
  readonly goal?: RunEnd | undefined;
  /** Aborts the run externally. */
  readonly signal?: AbortSignal | undefined;
  /** Receives the same records, and messages. */
  readonly listener?: RunListener | undefined;
}

/** Monitors a run: writes TensorBoard events, and ends the run if it stops improving. */
export class RunMonitor implements RunListener {
  /** Aborted if the user stops the run or patience is exhausted. */
  readonly signal: AbortSignal;
  /** Reason of an early stop, if any. */
  stoppedBecause: string | undefined;
  private readonly folder: string;
  private readonly listener: RunListener | undefined;
  private readonly ends: readonly RunEnd[];
  private readonly others: Pick<RunListener, 'record'>[] = [];
  private readonly stop = new AbortController();
  private runEvents: RunEvents | undefined;

  constructor({ folder, metric, patience, goal, signal, listener }: MonitorOptions) {
    this.folder = folder;
    this.listener = listener;
    this.ends = [...(patience ? [new EarlyStop(metric, patience)] : []), ...(goal ? [goal] : [])];
    this.signal = signal ? AbortSignal.any([signal, this.stop.signal]) : this.stop.signal;
  }

  /** TensorBoard writer of the run. */
  get events(): RunEvents {
    this.runEvents ??= new RunEvents(this.folder);
    return this.runEvents;
  }

  record(record: LogRecord, totalSteps: number, ahead?: WorkAhead): void {
    this.listener?.record?.(record, totalSteps, ahead);
    this.events.record(record);
    for (const other of this.others) other.record?.(record, totalSteps);
    const [reason] = this.ends.flatMap((end) => end.record(record) ?? []);
    if (reason === undefined || this.stoppedBecause !== undefined) return;
    this.stoppedBecause = reason;
    this.stop.abort();
  }

  restored(restored: RestoredRun): void {
    const { step, skipped, state } = restored;
    this.listener?.restored?.(restored);
    for (const { reason } of skipped) this.note(`warning: ${reason}; the one before is used`);
    this.note(`resuming at step ${step}`);
    this.runEvents = new RunEvents(this.folder, step);
    const isEvaluated = state.awaitsEvaluation !== true;
    for (const record of keepRecords(this.folder, step, isEvaluated))
      for (const end of this.ends) end.record(record);
  }

  /** Adds a receiver of the records. */
  also(listener: Pick<RunListener, 'record'>): void {
    this.others.push(listener);
  }

  note(line: string): void {
    tell(this.listener, line);
  }

  waits(what: string): void {
    this.listener?.waits?.(what);
  }

  /** Closes the event file. */
  close(): void {
    this.runEvents?.close();
  }
}

/**
 * Removes records after the last checkpoint of a killed run from `metrics.jsonl`, including a truncated line; the resumed
 * run writes them again.
 *
 * @param isEvaluated false if the evaluation at that step is to be repeated
 * @returns the remaining records
 */
function keepRecords(folder: string, step: number, isEvaluated: boolean): readonly LogRecord[] {
  const file = join(folder, METRICS);
  const records = readMetrics(folder).filter(
    (record) =>
      record.step < step || (record.step === step && (isEvaluated || record.kind === 'train')),
  );
  if (existsSync(file))
    writeAtomicallySync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return records as readonly LogRecord[];
}

/** Gives a listener a message that names flags of the command line, in the words of the options of `train`. */
export function tell(listener: RunListener | undefined, message: string): void {
  const { line, flags } = inOptions(message);
  listener?.note?.(line, flags);
}
