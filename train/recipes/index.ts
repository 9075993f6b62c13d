import type { DetectionConfig } from '../config/detect.js';
import type { RecipeConfig } from '../config/schemas.js';
import type { SegmentationConfig } from '../config/segment.js';
import { ADE20K_UPERNET_RECIPES } from './ade20k-upernet.js';
import { CLASSIFY, CLASSIFY_FINETUNE } from './classify.js';
import { COCO_CASCADE_RECIPES } from './coco-cascade.js';
import { COCO_MASK_RCNN_RECIPES } from './coco-mask-rcnn.js';
import { DETECT, DETECT_FINETUNE } from './detect.js';
import { FCMAE_RECIPES, PRETRAIN } from './fcmae.js';
import { GRN_FINETUNING_RECIPES, GRN_PRETRAINING_RECIPES } from './grn-ablations.js';
import { IMAGENET_1K_RECIPES } from './imagenet-1k.js';
import { IMAGENET_22K_1K_RECIPES, IMAGENET_22K_RECIPES } from './imagenet-22k.js';
import { IMAGENET_SUPERVISED_RECIPES } from './imagenet-supervised.js';
import { SEGMENT, SEGMENT_FINETUNE } from './segment.js';

/** Recipes of object detection by name. */
export const DETECTION_RECIPES: Readonly<Record<string, DetectionConfig>> = {
  detect: DETECT,
  'detect-finetune': DETECT_FINETUNE,
  ...COCO_MASK_RCNN_RECIPES,
  ...COCO_CASCADE_RECIPES,
};

/** Recipes of semantic segmentation by name. */
export const SEGMENTATION_RECIPES: Readonly<Record<string, SegmentationConfig>> = {
  ...ADE20K_UPERNET_RECIPES,
  segment: SEGMENT,
  'segment-finetune': SEGMENT_FINETUNE,
};

/** All recipes by name. */
export const RECIPES: Readonly<Record<string, RecipeConfig>> = {
  classify: CLASSIFY,
  'classify-finetune': CLASSIFY_FINETUNE,
  ...DETECTION_RECIPES,
  ...SEGMENTATION_RECIPES,
  pretrain: PRETRAIN,
  ...FCMAE_RECIPES,
  ...IMAGENET_1K_RECIPES,
  ...IMAGENET_22K_RECIPES,
  ...IMAGENET_22K_1K_RECIPES,
  ...IMAGENET_SUPERVISED_RECIPES,
  ...GRN_PRETRAINING_RECIPES,
  ...GRN_FINETUNING_RECIPES,
};
