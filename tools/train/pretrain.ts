import { join } from 'node:path';
import { CHECKPOINTS } from '../../train/checkpoints.js';
import type { PretrainingConfig } from '../../train/config/pretrain.js';
import { readImageSplits } from '../../train/pretrain/images.js';
import { RECONSTRUCTIONS, trainFcmae } from '../../train/pretrain/run.js';
import type { TrainResult } from '../../train/loop.js';
import { log } from '../output.js';
import type { TrainingRequest } from './request.js';
import { runOptions, startingPoint } from './request.js';

/** Pre-trains an autoencoder on images without labels. @throws ConfigError, DataError, WeightsError before any work starts */
export async function trainPretrain(
  config: PretrainingConfig,
  request: TrainingRequest,
): Promise<TrainResult> {
  const { training, validation } = readImageSplits(request.data);
  log(
    `${training.folder}: ${training.samples.length} images; ${validation?.samples.length ?? 'none'} held out`,
  );
  const options = await runOptions(request, await startingPoint(request));
  const result = await trainFcmae({
    ...options,
    config,
    training,
    ...(validation ? { validation } : {}),
  });
  if (!result.interrupted) {
    const pictures = validation ? `; pictures: ${join(request.out, RECONSTRUCTIONS)}` : '';
    log(
      `fine-tune from it: convnextv2 train classify-finetune --data DIR --out RUN --weights ${join(request.out, CHECKPOINTS)}${pictures}`,
    );
  }
  return result;
}
