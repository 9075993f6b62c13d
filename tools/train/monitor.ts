import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { METRICS, readMetrics } from '../../report/run-folder.js';
import type { RestoredRun } from '../../train/checkpoints.js';
import { TASKS } from '../../train/tasks/index.js';
import type { LogRecord } from '../../train/log-record.js';
import { EarlyStop } from '../progress/early-stop.js';
import { RunEvents } from '../progress/events.js';
import type { TrainRecord } from '../progress/status.js';
import type { ViewStream } from '../progress/view.js';
import { ProgressView } from '../progress/view.js';
import type { RecipeConfig } from '../../train/config/schemas.js';

/** What a {@link RunMonitor} watches. */
export interface MonitorOptions {
  readonly folder: string;
  readonly config: RecipeConfig;
  /** Steps of `--steps`. */
  readonly maxSteps: number | null;
  /** Evaluations without a better score before the run ends. */
  readonly patience?: number;
  /** Stops the run from outside. */
  readonly signal?: AbortSignal;
  readonly stream: ViewStream;
}

/** Watches a run from outside the loop: shows it, writes TensorBoard events, and ends it when it gets no better. */
export class RunMonitor {
  /** Aborts when the user stops the run or patience is at its end. */
  readonly signal: AbortSignal;
  /** Why the run was ended early, if it was. */
  stoppedBecause: string | undefined;
  private readonly view: ProgressView;
  private readonly folder: string;
  private readonly earlyStop: EarlyStop | undefined;
  private readonly stop = new AbortController();
  private runEvents: RunEvents | undefined;

  constructor({ folder, config, maxSteps, patience, signal, stream }: MonitorOptions) {
    this.folder = folder;
    this.view = new ProgressView({
      stream,
      totalSteps: (record) => Math.min(stepsOf(config, record), maxSteps ?? Infinity),
    });
    this.earlyStop =
      patience === undefined ? undefined : new EarlyStop(TASKS[config.task].bestMetric, patience);
    this.signal = signal ? AbortSignal.any([signal, this.stop.signal]) : this.stop.signal;
  }

  /** TensorBoard events of the run. */
  get events(): RunEvents {
    this.runEvents ??= new RunEvents(this.folder);
    return this.runEvents;
  }

  /** Takes what the loop records. */
  record(record: LogRecord): void {
    this.view.record(record);
    this.events.record(record);
    const reason = this.earlyStop?.record(record);
    if (reason === undefined || this.stoppedBecause !== undefined) return;
    this.stoppedBecause = reason;
    this.stop.abort();
  }

  /** Takes what a resumed run starts from. */
  restored({ step, skipped }: RestoredRun): void {
    for (const { reason } of skipped) this.view.note(`warning: ${reason}; the one before is used`);
    this.view.note(`resuming at step ${step}`);
    this.runEvents = new RunEvents(this.folder, step);
    for (const record of keepRecords(this.folder, step)) this.earlyStop?.record(record);
  }

  /** A line that stays on the screen. */
  note(line: string): void {
    this.view.note(line);
  }

  /** Closes the event file. */
  close(): void {
    this.runEvents?.close();
  }
}

/** Steps of a run, from what a record says about the length of an epoch. */
function stepsOf(config: RecipeConfig, { step, epoch }: TrainRecord): number {
  return config.task === 'segment'
    ? config.steps
    : Math.round(config.epochs * Math.round(step / epoch));
}

/**
 * Takes out of `metrics.jsonl` what a killed run recorded after its last checkpoint, a torn line included: the resumed run
 * records it again.
 *
 * @returns what is left
 */
function keepRecords(folder: string, step: number): readonly LogRecord[] {
  const file = join(folder, METRICS);
  const records = readMetrics(folder).filter((record) => record.step <= step);
  if (existsSync(file)) {
    writeAtomicallySync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  }
  return records as readonly LogRecord[];
}
