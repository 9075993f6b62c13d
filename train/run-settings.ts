import type { ParameterRun } from '../engine/optimizer/runs.js';
import type { OptimizerConfig } from './config/loop.js';
import type { Schedule } from './schedule.js';
import type { Scalars } from './task.js';

/** How long, how often, how strictly. */
export interface RunSettings {
  readonly optimizer: OptimizerConfig;
  readonly schedule: Schedule;
  readonly parameterRuns: readonly ParameterRun[];
  readonly epochs: number;
  /** Micro-batches per update; what is left at the end of an epoch is dropped. */
  readonly accumulation: number;
  /** Limit of the gradients' global L2 norm, or none. */
  readonly clipNorm: number | null;
  /** Decay of the moving average of the parameters, or none. */
  readonly emaDecay: number | null;
  /** Steps between log lines. */
  readonly logEvery: number;
  /** Epochs between evaluations; the last epoch is always evaluated. */
  readonly evaluateEvery: number;
  /** Epochs between checkpoints. Beside these there is one at the end and one when interrupted. */
  readonly checkpointEvery: number;
  readonly keepCheckpoints: number;
  /** The metric whose highest value marks the best checkpoint. */
  readonly bestMetric: string;
  /** Stops after this many steps (for tests and trials), or never. */
  readonly maxSteps: number | null;
}

/** Speed since the last log line. Images are those of all ranks, everything else is of this one. */
export interface StepRates {
  readonly imagesPerSecond: number;
  /** Share of the time spent waiting for data. */
  readonly dataWait: number;
  readonly rssBytes: number;
  /** With several ranks: share of the time spent waiting for the slowest one. */
  readonly rankWait?: number;
  /** With several ranks: share of the time spent adding up their gradients. */
  readonly allReduce?: number;
}

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
      readonly which: 'weights' | 'ema';
      readonly metrics: Scalars;
    };
