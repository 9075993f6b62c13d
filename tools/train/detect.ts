import { DataError } from '../../core/errors.js';
import { trainingSamples } from '../../datasets/coco/samples.js';
import { loadDetectionSplit } from '../../datasets/recognise-load.js';
import { recogniseData } from '../../datasets/recognise.js';
import type { TrainResult } from '../../train/loop.js';
import type { DetectionConfig } from '../../train/config/detect.js';
import { trainDetector } from '../../train/detect/run.js';
import { log } from '../output.js';
import type { TrainingRequest } from './request.js';
import { runOptions, startingPoint } from './request.js';

/** Trains a detector on COCO annotations. @throws ConfigError, DataError, WeightsError before any work starts */
export async function trainDetect(
  config: DetectionConfig,
  request: TrainingRequest,
): Promise<TrainResult> {
  const data = await recogniseData(request.data, {
    valFraction: request.valFraction,
    seed: request.seed,
  });
  if (data.kind !== 'detection')
    throw new DataError(
      `${request.data}: expected images with COCO annotations, got a set for ${data.kind}`,
    );
  log(data.line);
  const training = await loadDetectionSplit(data, 'train');
  const hasValidation = data.splitRule !== undefined || 'val' in data.splits;
  const validation = hasValidation ? await loadDetectionSplit(data, 'val') : undefined;
  const numUsed = trainingSamples(training).length;
  const numImages = training.images.ids.length;
  const unused =
    numUsed < numImages ? ` (${numImages - numUsed} without annotations or too small)` : '';
  log(
    `${numUsed} training images${unused}, ${training.classes.names.length} classes; ` +
      `${validation?.images.ids.length ?? 'no'} validation images`,
  );
  const options = await runOptions(request, await startingPoint(request));
  return trainDetector({
    ...options,
    config,
    training,
    ...(validation ? { validation } : {}),
  });
}
