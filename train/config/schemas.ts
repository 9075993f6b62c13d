import type * as t from '../../core/schema.js';
import { ClassificationConfig } from './classify.js';
import { DetectionConfig } from './detect.js';
import { PretrainingConfig } from './pretrain.js';
import { SegmentationConfig } from './segment.js';

/** Schemas of the configurations, by task. */
export const SCHEMAS = {
  classify: ClassificationConfig,
  detect: DetectionConfig,
  segment: SegmentationConfig,
  pretrain: PretrainingConfig,
} as const;

/** Configuration of any task. */
export type RecipeConfig = t.Infer<(typeof SCHEMAS)[keyof typeof SCHEMAS]>;
