import type { Random } from '../../core/random.js';
import type { BufferPool } from './buffer-pool.js';

/** What a pipeline gets besides the sample. */
export interface SampleContext<Sample> {
  /** Index of the sample in the data set. */
  readonly index: number;
  readonly epoch: number;
  /** A stream that depends on seed, epoch and sample index only: not on the batch, the worker or the order. */
  readonly random: Random;
  readonly buffers: BufferPool;
  /** Samples in the data set. */
  readonly numSamples: number;
  /** Another sample, for augmentations that mix images or replace one. */
  fetch(index: number): Promise<Sample>;
}

/** What a pipeline gets besides the prepared items. */
export interface BatchContext {
  readonly epoch: number;
  /** Index of the batch in the epoch. */
  readonly batchIndex: number;
  /** Sample indices, one an item. */
  readonly indices: readonly number[];
  /** A stream that depends on seed, epoch and the batch only. */
  readonly random: Random;
  readonly buffers: BufferPool;
}

/** A batch that is ready to leave the worker. */
export interface Collated<Value> {
  /** Structured-cloneable. */
  readonly value: Value;
  /** Large buffers in `value`: they are moved, not copied, and come back to the pool when the batch is released. */
  readonly buffers: readonly ArrayBuffer[];
}

/**
 * What a worker does: from samples to a batch. A pipeline module exports `createPipeline(options)`; `options` must be
 * structured-cloneable.
 */
export interface Pipeline<Sample, Item, Value> {
  /** Decodes and transforms one sample. Several run at a time, each with its own random stream. */
  prepare(sample: Sample, context: SampleContext<Sample>): Promise<Item>;
  /** Makes the batch of the items, which are in the order of the batch. */
  collate(items: readonly Item[], context: BatchContext): Collated<Value>;
}

/**
 * The last step, in the thread that asked for the batch: makes of what a worker handed over what callers get. Large float batches are
 * made here and not in the worker, since memory that arrives from another thread makes the garbage collector start over and over;
 * 8-bit images are a quarter of it.
 *
 * @param handed the `value` of `collate`; its buffers go back to the workers when this returns
 * @param buffers of this thread
 */
export type Receiver<Handed, Value> = (handed: Handed, buffers: BufferPool) => Collated<Value>;

/** What a pipeline module exports. */
export interface PipelineModule {
  createPipeline(options: unknown): Pipeline<unknown, unknown, unknown>;
  /** Without it callers get what the workers hand over. */
  createReceiver?(options: unknown): Receiver<unknown, unknown>;
}
