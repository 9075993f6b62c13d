import type { SampleSource } from '../datasets/loader/loader.js';
import type { FlatBuffers } from '../engine/optimizer/flat-buffers.js';
import type { ParameterStore } from '../engine/parameters/store.js';
import type { Engine } from '../engine/runtime/engine.js';
import type { TargetCounts } from './data-facts.js';
import type { Shard } from './distributed/shard.js';

/** Position of a micro-batch in a run. */
export interface StepPosition {
  /** Number of optimizer steps done before. */
  readonly step: number;
  /** Index of the micro-batch in the step, from 0. */
  readonly micro: number;
  /** Shard of this process; default: the whole batch. */
  readonly shard?: Shard | undefined;
}

/** Named scalars: loss terms (`loss` is their total) or metrics. */
export type Scalars = Readonly<Record<string, number>>;

/** Trainer: forward and backward passes of a model. Owns sessions: `release` frees them. */
export interface Trainer<Batch> {
  readonly store: ParameterStore;
  /** Runs both passes and writes the gradients to the trainer's buffer. */
  backward(batch: Batch, position: StepPosition): Promise<Scalars>;
  /**
   * Runs the passes of all micro-batches of a step together, for statistics over the whole step. Writes the mean gradient
   * to the buffer of the optimizer. Absent: `backward` is called for each micro-batch.
   */
  backwardTogether?(
    batches: readonly Batch[],
    position: Omit<StepPosition, 'micro'>,
  ): Promise<readonly Scalars[]>;
  /** Number of images of a batch. */
  numImages(batch: Batch): number;
  /** Names of the images of a batch by file or id, for messages. */
  describe(batch: Batch): string;
  /** Frequencies of the targets of the last micro-batch; absent: not counted. */
  targets?(): readonly TargetCounts[];
  release(): Promise<void>;
}

/** Source of micro-batches in an order that depends only on seed and epoch, e.g. a `Loader`. */
export interface BatchSource<Batch> {
  numBatches(): number;
  /** Iterates over the batches of an epoch from a given one. Ending the iteration early releases them. */
  epoch(epoch: number, from: number): AsyncIterable<Batch>;
  /** Time that threads have spent on loading so far, in milliseconds; absent: unknown. */
  readonly busyMs?: number | undefined;
}

/** Samples that may be stored in files. */
export type NamedSamples = SampleSource<{ readonly file?: string | undefined }>;

/** Arguments that the trainers of all tasks have in common. */
export interface TrainerOptions<Model> {
  readonly engine: Engine;
  readonly model: Model;
  readonly buffers: FlatBuffers;
  readonly seed: number;
  /** Files of the training set, for messages. */
  readonly samples: NamedSamples;
}

/** Names samples by file, or by index if they have none. @param indices in the data set */
export function describeSamples(samples: NamedSamples, indices: Int32Array): string {
  return Array.from(indices, (index) => samples.at(index)?.file ?? String(index)).join(', ');
}
