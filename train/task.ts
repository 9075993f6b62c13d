import type { ParameterStore } from '../engine/parameters/store.js';
import type { Shard } from './distributed/shard.js';

/** Where a step stands in a run. */
export interface StepPosition {
  /** Optimizer steps done before this one. */
  readonly step: number;
  /** Which micro-batch of the step, from 0. */
  readonly micro: number;
  /** Which part of the batch this process has; all of it if not given. */
  readonly shard?: Shard;
}

/** Named scalars: loss terms (`loss` is their total) or metrics. */
export type Scalars = Readonly<Record<string, number>>;

/** What a training run needs to know about the thing it trains. */
export interface TrainingTask<Batch> {
  readonly store: ParameterStore;
  /** Forward and backward pass; the gradients go where the task was told to put them. */
  backward(batch: Batch, position: StepPosition): Promise<Scalars>;
  /**
   * The passes of all micro-batches of a step, where what one computes depends on the others. The mean of their gradients is in
   * the buffer that the optimiser reads. Absent: `backward` for each.
   */
  backwardTogether?(
    batches: readonly Batch[],
    position: Omit<StepPosition, 'micro'>,
  ): Promise<readonly Scalars[]>;
  /** Number of images of a batch. */
  numImages(batch: Batch): number;
  /** The images of a batch by file or id, for messages. */
  describe(batch: Batch): string;
  /** Scores the current parameters, or their moving average. Absent without validation data. */
  evaluate?(which: 'weights' | 'ema'): Promise<Scalars>;
}

/** Micro-batches in an order that depends on seed and epoch only. */
export interface BatchSource<Batch> {
  readonly batchesPerEpoch: number;
  /** The batches of an epoch from the given one on. Ending the iteration early frees what it holds. */
  epoch(epoch: number, from: number): AsyncIterable<Batch>;
}
