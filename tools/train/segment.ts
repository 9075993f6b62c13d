import { DataError } from '../../core/errors.js';
import { loadSegmentationSplit } from '../../datasets/recognise-load.js';
import { recogniseData } from '../../datasets/recognise.js';
import type { TrainResult } from '../../train/loop.js';
import type { SegmentationConfig } from '../../train/config/segment.js';
import { trainSegmenter } from '../../train/segment/run.js';
import { log } from '../output.js';
import type { TrainingRequest } from './request.js';
import { runOptions, startingPoint } from './request.js';

/** Trains a segmenter on images with label maps. @throws ConfigError, DataError, WeightsError before any work starts */
export async function trainSegment(
  config: SegmentationConfig,
  request: TrainingRequest,
): Promise<TrainResult> {
  const data = await recogniseData(request.data, {
    valFraction: request.valFraction,
    seed: request.seed,
  });
  if (data.kind !== 'segmentation')
    throw new DataError(
      `${request.data}: expected images with label maps, got a set for ${data.kind}`,
    );
  log(data.line);
  const training = loadSegmentationSplit(data, 'train');
  const hasValidation = data.splitRule !== undefined || data.splits['val'] !== undefined;
  const validation = hasValidation ? loadSegmentationSplit(data, 'val') : undefined;
  log(
    `${training.samples.length} training images, ${training.classes.length} classes; ${validation?.samples.length ?? 'no'} validation images`,
  );
  const options = await runOptions(request, await startingPoint(request));
  return trainSegmenter({
    ...options,
    config,
    training,
    ...(validation ? { validation } : {}),
  });
}
