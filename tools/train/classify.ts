import { hasSplit, readImageNet } from '../../datasets/imagenet.js';
import type { ClassificationConfig } from '../../train/config/classify.js';
import { trainClassifier } from '../../train/classify/run.js';
import type { TrainResult } from '../../train/loop.js';
import { log } from '../output.js';
import type { TrainingRequest } from './request.js';
import { runOptions, startingPoint } from './request.js';

/** Trains a classifier on class folders. @throws ConfigError, DataError, WeightsError before any work starts */
export async function trainClassify(
  config: ClassificationConfig,
  request: TrainingRequest,
): Promise<TrainResult> {
  const training = readImageNet(request.data, { split: 'train' });
  const validation = hasSplit(request.data, 'val')
    ? readImageNet(request.data, { split: 'val', classes: training.classes })
    : undefined;
  log(
    `${request.data}: ${training.layout}; ${training.samples.length} training images, ${training.classes.length} classes`,
  );
  log(
    validation
      ? `${validation.samples.length} validation images`
      : 'no val folder: the scores are on the training images',
  );
  const options = await runOptions(request, await startingPoint(request));
  return trainClassifier({ ...options, config, training, validation: validation ?? training });
}
