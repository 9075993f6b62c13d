import { ConfigError } from '../../core/errors.js';
import type { TrainResult } from '../../train/loop.js';
import type { RecipeConfig } from '../../train/recipes/index.js';
import { RECIPES } from '../../train/recipes/index.js';
import { editDistance } from '../../weights/model-name.js';
import type { TrainingRequest } from './request.js';

/**
 * Reads data and weights, merges the configuration and trains.
 *
 * @throws ConfigError, DataError, WeightsError before any work starts
 */
export async function startTraining(
  recipe: string,
  request: TrainingRequest,
): Promise<TrainResult> {
  const config = findRecipe(recipe);
  switch (config.task) {
    case 'classify':
      return (await import('./classify.js')).trainClassify(config, request);
    case 'segment':
      return (await import('./segment.js')).trainSegment(config, request);
    case 'pretrain':
      return (await import('./pretrain.js')).trainPretrain(config, request);
  }
}

function findRecipe(name: string): RecipeConfig {
  if (Object.hasOwn(RECIPES, name)) return RECIPES[name];
  const names = Object.keys(RECIPES);
  const [nearest] = [...names].sort((a, b) => editDistance(name, a) - editDistance(name, b));
  throw new ConfigError(
    `train: expected a recipe of convnextv2 config list, got ${name}; nearest: ${nearest}`,
  );
}
