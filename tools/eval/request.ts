import type { EngineOptions } from '../../engine/runtime/engine.js';
import type { Communicator } from '../../train/distributed/communicator.js';

/** What `eval` was asked for, whatever the task. */
export interface EvalRequest {
  readonly data: string;
  readonly split: 'train' | 'val';
  readonly batch: number;
  readonly workers: number;
  readonly limit?: number;
  readonly classes?: string;
  readonly size?: number;
  readonly ema?: boolean;
  /** Test-time augmentation: flipped images and several scales. */
  readonly tta?: boolean;
  /** Sliding windows. */
  readonly slide?: boolean;
  /** Lines by category or class. */
  readonly perCategory?: boolean;
  /** Share of the images that are held out where the data has one part only. */
  readonly valFraction?: number;
  readonly seed: number;
  /** Folder for result files. */
  readonly out?: string;
  /** `i/n`: only every n-th image (classify: part of the data), from the i-th on, counted from 0. */
  readonly shard?: string;
  /** The processes that share the images; one if not given. */
  readonly communicator?: Communicator;
  readonly engine: EngineOptions;
}

/** The scores, for programs and for people. */
export interface EvalReport {
  /** What `--json` prints. */
  readonly document: object;
  /** Rows of the table; the first is the header. */
  readonly table: readonly (readonly (string | number)[])[];
}
