import { describeFailure, type Failure } from '../../core/failure.js';

/** Everything a worker needs for one batch. */
export interface BatchRequest {
  readonly id: number;
  readonly epoch: number;
  readonly batchIndex: number;
  readonly indices: readonly number[];
  /** One an index. */
  readonly samples: readonly unknown[];
  /** Buffers to fill, from batches that were released. */
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
    }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
  | { readonly kind: 'cancelled'; readonly id: number; readonly buffers: readonly ArrayBuffer[] }
  | { readonly kind: 'fetch'; readonly fetchId: number; readonly index: number }
  | { readonly kind: 'unusable'; readonly failure: Failure };

/** What a worker is started with. */
export interface WorkerSetup {
  /** Address of a module that exports `createPipeline`. */
  readonly pipelineUrl: string;
  readonly pipelineOptions: unknown;
  readonly runtime: RuntimeOptions;
}

/** Constants of a loader that its workers know. */
export interface RuntimeOptions {
  readonly seed: number;
  readonly numSamples: number;
  /** Samples that a worker prepares at a time: while one is decoded, another is transformed. */
  readonly concurrency: number;
}

/** Describes an error; where it names no file, that of the sample is put in front. */
export function describeSampleFailure(error: unknown, sample: unknown): Failure {
  const failure = describeFailure(error);
  const file = fileOf(sample);
  return failure.file !== undefined || file === undefined
    ? failure
    : { ...failure, message: `${file}: ${failure.message}`, file };
}

/** The failure of a worker that died, with the files that it was working on: one of them may be why. */
export function inProgress(failure: Failure, samples: readonly unknown[]): Failure {
  const files = samples.flatMap((sample) => fileOf(sample) ?? []);
  if (files.length === 0) return failure;
  return { ...failure, message: `${failure.message} while it worked on ${files.join(', ')}` };
}

function fileOf(sample: unknown): string | undefined {
  const isObject = typeof sample === 'object' && sample !== null;
  return isObject && 'file' in sample && typeof sample.file === 'string' ? sample.file : undefined;
}
