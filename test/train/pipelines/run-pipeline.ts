import { Loader, type SampleSource } from '../../../datasets/loader/loader.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';

/** Loads all batches of an epoch by a pipeline. */
export async function run<Sample, Batch extends { images: Float32Array }>(
  pipeline: URL,
  samples: SampleSource<Sample>,
  pipelineOptions: object,
  { batchSize = 3, numWorkers = 0, epoch = 0, seed = 2 } = {},
): Promise<Batch[]> {
  const loader = new Loader<Sample, Batch>({
    samples,
    sampler: { batchSize, shuffle: false, seed, lastBatch: 'keep' },
    pipeline,
    pipelineOptions: { pixels: IMAGENET_PIXELS, divisor: 32, ...pipelineOptions },
    numWorkers,
  });
  const seen: Batch[] = [];
  try {
    for await (const { value, release } of loader.epoch(epoch)) {
      seen.push({ ...value, images: value.images.slice() });
      release();
    }
  } finally {
    await loader.close();
  }
  return seen;
}
