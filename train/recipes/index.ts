import type { ClassificationConfig } from '../classify/config.js';
import type { DetectionConfig } from '../detect/config.js';
import type { PretrainingConfig } from '../pretrain/config.js';
import type { SegmentationConfig } from '../segment/config.js';
import { CLASSIFY } from './classify.js';
import { CLASSIFY_FINETUNE } from './classify-finetune.js';
import { DETECTION_RECIPES } from './detection.js';
import { FCMAE_RECIPES } from './fcmae.js';
import { GRN_FINETUNING_RECIPES, GRN_PRETRAINING_RECIPES } from './grn-ablations.js';
import { IMAGENET_1K_RECIPES } from './imagenet-1k.js';
import { IMAGENET_22K_1K_RECIPES, IMAGENET_22K_RECIPES } from './imagenet-22k.js';
import { IMAGENET_SUPERVISED_RECIPES } from './imagenet-supervised.js';
import { SEGMENTATION_RECIPES } from './segmentation.js';

/** Configuration of any task. */
export type RecipeConfig =
  ClassificationConfig | DetectionConfig | SegmentationConfig | PretrainingConfig;

/** All recipes by name. */
export const RECIPES: Readonly<Record<string, RecipeConfig>> = {
  classify: CLASSIFY,
  'classify-finetune': CLASSIFY_FINETUNE,
  ...DETECTION_RECIPES,
  ...SEGMENTATION_RECIPES,
  ...FCMAE_RECIPES,
  ...IMAGENET_1K_RECIPES,
  ...IMAGENET_22K_RECIPES,
  ...IMAGENET_22K_1K_RECIPES,
  ...IMAGENET_SUPERVISED_RECIPES,
  ...GRN_PRETRAINING_RECIPES,
  ...GRN_FINETUNING_RECIPES,
};
