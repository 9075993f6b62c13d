import { availableParallelism } from 'node:os';
import { Loader, type SampleSource } from '../datasets/loader/loader.js';
import type { SamplerOptions } from '../datasets/loader/sampler.js';
import type { LoopConfig } from './config/loop.js';
import { ownBatchSize, WHOLE } from './distributed/shard.js';

/** Options of a loader: samples, order, and worker module. */
interface OpenLoaderOptions<Sample> extends Omit<SamplerOptions, 'batchSize'> {
  readonly samples: SampleSource<Sample>;
  /** URL of the module. */
  readonly pipeline: URL;
  readonly pipelineOptions: unknown;
}

/** Opens a loader with this process's shard of the batches, and at most one worker per core. */
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
