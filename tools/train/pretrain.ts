import type { PretrainingConfig } from '../../train/fcmae/config.js';
import { readImageSplits } from '../../train/fcmae/images.js';
import { trainFcmae } from '../../train/fcmae/run.js';
import type { TrainResult } from '../../train/loop.js';
import { override } from '../../train/recipes/override.js';
import { log } from '../output.js';
import type { TrainingRequest } from './request.js';
import { runOptions, startingPoint } from './request.js';

/** Pre-trains an autoencoder on images without labels. @throws ConfigError, DataError, WeightsError before any work starts */
export async function trainPretrain(
  recipe: PretrainingConfig,
  request: TrainingRequest,
): Promise<TrainResult> {
  const start = await startingPoint(request);
  const { backbone = recipe.fcmae.backbone } = start;
  const config = override({ ...recipe, fcmae: { ...recipe.fcmae, backbone } }, request.set);
  const { training, validation } = readImageSplits(request.data);
  log(
    `${training.folder}: ${training.samples.length} images; ${validation?.samples.length ?? 'none'} held out`,
  );
  const options = await runOptions(request, start);
  return trainFcmae({ ...options, config, training, ...(validation ? { validation } : {}) });
}
