import { availableParallelism } from 'node:os';
import { Loader, type SampleSource } from '../datasets/loader/loader.js';
import type { SamplerOptions } from '../datasets/loader/sampler.js';
import type { LoopConfig } from './config/loop.js';
import { ownBatchSize, WHOLE } from './distributed/shard.js';

/** The samples of a loader, their order, and the worker module that prepares them. */
export interface OpenLoaderOptions<Sample> extends Omit<SamplerOptions, 'batchSize'> {
  readonly samples: SampleSource<Sample>;
  /** Address of the module. */
  readonly pipeline: URL;
  readonly pipelineOptions: unknown;
}

/** Opens a loader with this process's part of the batches, and no more workers than there are cores. */
export function openLoader<Sample, Batch>(
  { batchSize, workers }: Pick<LoopConfig, 'batchSize' | 'workers'>,
  { samples, pipeline, pipelineOptions, ...sampler }: OpenLoaderOptions<Sample>,
): Loader<Sample, Batch> {
  const { shard = WHOLE } = sampler;
  return new Loader({
    samples,
    sampler: { ...sampler, batchSize: ownBatchSize(batchSize, samples.length, shard), shard },
    pipeline,
    pipelineOptions,
    numWorkers: Math.min(workers, availableParallelism()),
  });
}
