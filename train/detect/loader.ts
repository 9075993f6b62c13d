import type { DetectionSamples } from '../../datasets/coco/samples.js';
import type { Loader } from '../../datasets/loader/loader.js';
import type { DetectionSample } from '../../datasets/sample.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import type { DetectionConfig } from '../config/detect.js';
import { shardOf } from '../distributed/shard.js';
import { openLoader } from '../loader.js';
import type { Run } from '../loop.js';
import {
  DETECTION_PIPELINE,
  type DetectionBatch,
  type DetectionPipelineOptions,
} from '../pipelines/detect.js';

/** Opens the loader of a detector's training batches. */
export function openDetectionLoader(
  config: DetectionConfig,
  samples: DetectionSamples,
  { seed, communicator }: Pick<Run, 'seed' | 'communicator'>,
): Loader<DetectionSample, DetectionBatch> {
  const pipelineOptions: DetectionPipelineOptions = {
    transform: config.training,
    pixels: config.pixels,
    divisor: SIZE_DIVISOR_PX,
    rpn: config.detector.rpn,
    ignoreRegions: config.ignoreRegions,
  };
  return openLoader(config, {
    samples,
    shuffle: true,
    seed,
    shard: shardOf(communicator),
    // Landscape and portrait images are separate, so that batches have little padding; groups need not be multiples of
    // the batch size.
    groups: samples.aspectGroups,
    lastBatch: 'fill',
    pipeline: DETECTION_PIPELINE,
    pipelineOptions,
  });
}
