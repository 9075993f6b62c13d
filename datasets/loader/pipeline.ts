import type { Random } from '../../core/random.js';
import type { BufferPool } from './buffer-pool.js';

/** Context of preparing a sample. */
export interface SampleContext<Sample> {
  /** Index of the sample in the data set. */
  readonly index: number;
  readonly epoch: number;
  /** Random stream that depends only on seed, epoch and sample index, not on batch, worker or order. */
  readonly random: Random;
  readonly buffers: BufferPool;
  /** Number of samples of the data set. */
  readonly numSamples: number;
  /** Returns another sample, for augmentations that mix or replace images. */
  fetch(index: number): Promise<Sample>;
}

/** Context of collating a batch. */
export interface BatchContext {
  readonly epoch: number;
  /** Index of the batch in the epoch. */
  readonly batchIndex: number;
  /** Sample indices, one per item. */
  readonly indices: readonly number[];
  /** Random stream that depends only on seed, epoch and batch. */
  readonly random: Random;
  readonly buffers: BufferPool;
}

/** A batch that is ready for transfer to the main thread. */
export interface Collated<Value> {
  /** Structured-cloneable. */
  readonly value: Value;
  /** Large buffers in `value`, which are moved, not copied, and returned to the pool when the batch is released. */
  readonly buffers: readonly ArrayBuffer[];
}

/**
 * Pipeline of a worker, from samples to a batch. A pipeline module exports `createPipeline(options)`; `options` must be
 * structured-cloneable.
 */
export interface Pipeline<Sample, Item, Value> {
  /** Decodes and transforms one sample. Several run concurrently, each with its own random stream. */
  prepare(sample: Sample, context: SampleContext<Sample>): Promise<Item>;
  /** Assembles the batch from its items, which are in order. */
  collate(items: readonly Item[], context: BatchContext): Collated<Value>;
}

/**
 * Last step, in the main thread: converts a worker's result to the caller's batch. Large float batches are created here,
 * not in the worker, because memory that arrives from another thread triggers frequent garbage collections; 8-bit images
 * are a quarter of the size.
 *
 * @param handed `value` of `collate`; its buffers are returned to the workers afterward
 * @param buffers buffer pool of this thread
 */
export type Receiver<Handed, Value> = (handed: Handed, buffers: BufferPool) => Collated<Value>;

/** Exports of a pipeline module. */
export interface PipelineModule {
  createPipeline(options: unknown): Pipeline<unknown, unknown, unknown>;
  /** Main-thread part of collating; without it callers get the workers' result. */
  createReceiver?(options: unknown): Receiver<unknown, unknown>;
}
