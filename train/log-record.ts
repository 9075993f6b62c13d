import type { RestoredRun } from './checkpoints.js';
import type { Scalars } from './trainer.js';

/** Speed since the last log line. Images are those of all ranks, everything else is of this one. */
export interface StepRates {
  readonly imagesPerSecond: number;
  /** Fraction of the time spent waiting for data. */
  readonly dataWait: number;
  readonly rssBytes: number;
  /** With several ranks: fraction of the time spent waiting for the slowest one. */
  readonly rankWait?: number | undefined;
  /** With several ranks: fraction of the time spent adding up their gradients. */
  readonly allReduce?: number | undefined;
}

/** Which weights are evaluated: the trained ones or their moving average. */
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
      readonly metrics: Scalars;
    };

/** Hears how a run goes. */
export interface RunListener {
  /** Given every line of `metrics.jsonl`, and the steps that the run will have. */
  record?(record: LogRecord, totalSteps: number): void;
  /** Given the checkpoint that a resumed run starts from. */
  restored?(restored: RestoredRun): void;
  /** Given lines for people. */
  note?(line: string): void;
}
