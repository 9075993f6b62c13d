import type { EngineOptions } from '../../engine/runtime/engine.js';
import type { Communicator } from '../../train/distributed/communicator.js';

/** What `predict` was asked for, whatever the task. */
export interface PredictRequest {
  /** Image files. */
  readonly files: readonly string[];
  /** Folder for result files. */
  readonly out?: string;
  /** Classes to show of each image. */
  readonly top: number;
  /** Least score of a detection that is drawn. */
  readonly score: number;
  /** Most detections of an image. */
  readonly max?: number;
  readonly classes?: string;
  readonly size?: number;
  readonly ema?: boolean;
  readonly tta?: boolean;
  readonly slide?: boolean;
  /** File with the colours of the classes of a segmenter. */
  readonly palette?: string;
  /** `i/n`: only every n-th image, from the i-th on, counted from 0. */
  readonly shard?: string;
  /** The processes that share the images; one if not given. */
  readonly communicator?: Communicator;
  /** Print nothing on standard output: one JSON document will be. */
  readonly json?: boolean;
  readonly engine: EngineOptions;
}
