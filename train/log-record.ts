import type { FlagsOfMessage } from '../core/errors.js';
import type { RestoredRun } from './checkpoints.js';
import type { Scalars } from './trainer.js';

/** Speed since the last log line. Images are those of all ranks, everything else is of this rank. */
export interface StepRates {
  readonly imagesPerSecond: number;
  /** Fraction of the time spent waiting for data. */
  readonly dataWait: number;
  readonly rssBytes: number;
  /** With several ranks: fraction of the time spent waiting for the slowest rank. */
  readonly rankWait?: number | undefined;
  /** With several ranks: fraction of the time spent summing gradients. */
  readonly allReduce?: number | undefined;
}

/** Evaluated weights: the trained ones or their EMA. */
export type WhichWeights = 'weights' | 'ema';

/** One line of `metrics.jsonl`. */
export type LogRecord =
  | ({
      readonly kind: 'train';
      readonly step: number;
      readonly epoch: number;
      readonly lr: number;
      readonly losses: Scalars;
      readonly gradientNorm: number;
    } & StepRates)
  | {
      readonly kind: 'eval';
      readonly step: number;
      readonly epoch: number;
      readonly which: WhichWeights;
      /** Finite scores; empty if the evaluation failed. */
      readonly metrics: Scalars;
      /** Reason why scores are missing. */
      readonly problem?: string | undefined;
    };

/** Evaluations that are left of a run. */
export interface WorkAhead {
  readonly evaluations: number;
  /** Cost of one as a number of steps, estimated from its images. */
  readonly stepsOfEvaluation: number;
  /** Seconds until the time of the run is over; absent: it has no time to keep. */
  readonly secondsAtMost?: number | undefined;
}

/** Listener of a run's progress. */
export interface RunListener {
  /** Called with every line of `metrics.jsonl`, the total number of steps, and the evaluations after this record. */
  record?(record: LogRecord, totalSteps: number, ahead?: WorkAhead): void;
  /** Called with the checkpoint of a resumed run. */
  restored?(restored: RestoredRun): void;
  /** Called with what a run begins to wait for and takes long, such as an evaluation. */
  waits?(what: string): void;
  /**
   * Called with messages for people.
   *
   * @param flags words of the command line for the options that the line names in backquotes: `` `batch: 4` `` → `--batch 4`
   */
  note?(line: string, flags?: FlagsOfMessage): void;
}
