import { describeFailure, type Failure } from '../../core/failure.js';

/** Request for one batch. */
export interface BatchRequest {
  readonly id: number;
  readonly epoch: number;
  readonly batchIndex: number;
  readonly indices: readonly number[];
  /** One per index. */
  readonly samples: readonly unknown[];
  /** Buffers of released batches, to be reused. */
  readonly buffers: readonly ArrayBuffer[];
}

/** Main thread → worker. */
export type ToWorker =
  | { readonly kind: 'batch'; readonly request: BatchRequest }
  | { readonly kind: 'cancel'; readonly ids: readonly number[] }
  | { readonly kind: 'sample'; readonly fetchId: number; readonly sample: unknown };

/** Worker → main thread. */
export type FromWorker =
  | {
      readonly kind: 'batch';
      readonly id: number;
      readonly value: unknown;
      readonly buffers: readonly ArrayBuffer[];
      /** Time that the worker has spent on all batches so far, in milliseconds. */
      readonly busyMs: number;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'canceled'; readonly id: number; readonly buffers: readonly ArrayBuffer[] }
  | { readonly kind: 'fetch'; readonly fetchId: number; readonly index: number }
  | { readonly kind: 'unusable'; readonly failure: Failure };

/** Start data of a worker. */
export interface WorkerSetup {
  /** URL of a module that exports `createPipeline`. */
  readonly pipelineUrl: string;
  readonly pipelineOptions: unknown;
  readonly runtime: RuntimeOptions;
}

/** Constants of a loader for its workers. */
export interface RuntimeOptions {
  readonly seed: number;
  readonly numSamples: number;
  /** Number of samples that a worker prepares concurrently: one is decoded while another is transformed. */
  readonly concurrency: number;
}

/** Describes an error; if it has no file, that of the sample is prepended. */
export function describeSampleFailure(error: unknown, sample: unknown): Failure {
  const failure = describeFailure(error);
  const file = fileOf(sample);
  return failure.file !== undefined || file === undefined
    ? failure
    : { ...failure, message: `${file}: ${failure.message}`, file };
}

/** Describes the failure of a crashed worker with the files that it was processing, one of which may be the cause. */
export function inProgress(failure: Failure, samples: readonly unknown[]): Failure {
  const files = samples.flatMap((sample) => fileOf(sample) ?? []);
  if (files.length === 0) return failure;
  return { ...failure, message: `${failure.message} while it worked on ${files.join(', ')}` };
}

function fileOf(sample: unknown): string | undefined {
  const isObject = typeof sample === 'object' && sample !== null;
  return isObject && 'file' in sample && typeof sample.file === 'string' ? sample.file : undefined;
}
