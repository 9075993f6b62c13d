import type { Schedule } from '../schedule.js';

/** Task-specific length and intervals of a run. */
export interface RunLength {
  readonly schedule: Schedule;
  readonly epochs: number;
  /** Number of epochs between evaluations; the last epoch is always evaluated. */
  readonly evaluateEvery: number;
  /** Number of epochs between checkpoints. In addition, one is saved at the end and on interruption. */
  readonly checkpointEvery: number;
  /** Number of steps between checkpoints, also inside an epoch. */
  readonly checkpointEverySteps?: number | undefined;
  /** Number of steps after which to stop. */
  readonly maxSteps?: number | undefined;
}
