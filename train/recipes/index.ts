import type { ClassificationConfig } from '../classification/config.js';
import { CLASSIFY } from './classify.js';
import { CLASSIFY_FINETUNE } from './classify-finetune.js';

/** Configuration of any task. */
export type RecipeConfig = ClassificationConfig;

/** All recipes by name. */
export const RECIPES: Readonly<Record<string, RecipeConfig>> = {
  classify: CLASSIFY,
  'classify-finetune': CLASSIFY_FINETUNE,
};
