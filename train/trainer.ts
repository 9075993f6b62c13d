import type { SampleSource } from '../datasets/loader/loader.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { Shard } from './distributed/shard.js';

/** Where a step stands in a run. */
export interface StepPosition {
  /** Optimizer steps done before this one. */
  readonly step: number;
  /** Which micro-batch of the step, from 0. */
  readonly micro: number;
  /** Which shard of the batch this process has; all of it if not given. */
  readonly shard?: Shard | undefined;
}

/** Named scalars: loss terms (`loss` is their total) or metrics. */
export type Scalars = Readonly<Record<string, number>>;

/** Forward and backward passes of a model over batches. Owns sessions: `release` frees them. */
export interface Trainer<Batch> {
  readonly store: ParameterStore;
  /** Runs both passes; the gradients go where the trainer was told to put them. */
  backward(batch: Batch, position: StepPosition): Promise<Scalars>;
  /**
   * The passes of all micro-batches of a step, where each depends on the others. The mean of their gradients is in the buffer
   * that the optimizer reads. Absent: `backward` for each.
   */
  backwardTogether?(
    batches: readonly Batch[],
    position: Omit<StepPosition, 'micro'>,
  ): Promise<readonly Scalars[]>;
  /** Number of images of a batch. */
  numImages(batch: Batch): number;
  /** The images of a batch by file or id, for messages. */
  describe(batch: Batch): string;
  release(): Promise<void>;
}

/** Micro-batches in an order that depends on seed and epoch only: a `Loader`. */
export interface BatchSource<Batch> {
  numBatches(): number;
  /** The batches of an epoch from the given one on. Ending the iteration early frees what it holds. */
  epoch(epoch: number, from: number): AsyncIterable<Batch>;
}

/** Samples that may lie in a file. */
export type NamedSamples = SampleSource<{ readonly file?: string | undefined }>;

/** Samples by file, or by index where they have none. @param indices in the data set */
export function describeSamples(samples: NamedSamples, indices: Int32Array): string {
  return Array.from(indices, (index) => samples.at(index)?.file ?? String(index)).join(', ');
}
