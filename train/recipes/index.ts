import type { ClassificationConfig } from '../classification/config.js';
import type { PretrainingConfig } from '../fcmae/config.js';
import type { SegmentationConfig } from '../segmentation/config.js';
import { CLASSIFY } from './classify.js';
import { CLASSIFY_FINETUNE } from './classify-finetune.js';
import { FCMAE_RECIPES } from './fcmae.js';
import { SEGMENTATION_RECIPES } from './segmentation.js';

/** Configuration of any task. */
export type RecipeConfig = ClassificationConfig | SegmentationConfig | PretrainingConfig;

/** All recipes by name. */
export const RECIPES: Readonly<Record<string, RecipeConfig>> = {
  classify: CLASSIFY,
  'classify-finetune': CLASSIFY_FINETUNE,
  ...SEGMENTATION_RECIPES,
  ...FCMAE_RECIPES,
};
