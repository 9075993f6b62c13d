import type { TrainResult } from '../../train/loop.js';
import type { TrainingFlags } from './plan.js';
import { planTraining } from './plan.js';

/**
 * Reads data and weights, merges the configuration and trains.
 *
 * @throws ConfigError, DataError, WeightsError before any work starts
 */
export async function startTraining(recipe: string, flags: TrainingFlags): Promise<TrainResult> {
  const request = await planTraining(recipe, flags);
  const { config } = request.plan.resolved;
  switch (config.task) {
    case 'classify':
      return (await import('./classify.js')).trainClassify(config, request);
    case 'segment':
      return (await import('./segment.js')).trainSegment(config, request);
    case 'pretrain':
      return (await import('./pretrain.js')).trainPretrain(config, request);
  }
}
