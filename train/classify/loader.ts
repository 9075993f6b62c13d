import type { Loader } from '../../datasets/loader/loader.js';
import type { ClassificationSample } from '../../datasets/sample.js';
import type { SampleSource } from '../../datasets/loader/loader.js';
import { openLoader } from '../loader.js';
import {
  CLASSIFICATION_PIPELINE,
  type ClassificationBatch,
  type ClassificationPipelineOptions,
} from '../pipelines/classify.js';
import type { ClassificationConfig } from '../config/classify.js';

/** Creates a loader of classification batches. */
export type ClassificationLoader = Loader<ClassificationSample, ClassificationBatch>;

type LoaderConfig = Pick<ClassificationConfig, 'batchSize' | 'workers'> &
  Omit<ClassificationPipelineOptions, 'transform'>;

/** Creates a loader of training batches: shuffled, all of equal size. @param shard shard of this process */
export function trainingLoader(
  { pixels, training, ...config }: LoaderConfig & Pick<ClassificationConfig, 'training'>,
  samples: SampleSource<ClassificationSample>,
  { seed, shard }: { readonly seed: number; readonly shard: { index: number; count: number } },
): ClassificationLoader {
  const options: ClassificationPipelineOptions = { transform: training, pixels };
  return openLoader(config, {
    samples,
    shuffle: true,
    seed,
    shard,
    lastBatch: 'drop',
    pipeline: CLASSIFICATION_PIPELINE,
    pipelineOptions: options,
  });
}

/** Creates a loader that yields every image once and in order. */
export function evaluationLoader(
  { pixels, evaluation, ...config }: LoaderConfig & Pick<ClassificationConfig, 'evaluation'>,
  samples: SampleSource<ClassificationSample>,
): ClassificationLoader {
  const transform = { kind: 'evaluation', resize: evaluation } as const;
  const options: ClassificationPipelineOptions = { transform, pixels };
  return openLoader(config, {
    samples,
    shuffle: false,
    seed: 0,
    lastBatch: 'keep',
    pipeline: CLASSIFICATION_PIPELINE,
    pipelineOptions: options,
  });
}
