import type { SegmentationConfig } from '../config/segment.js';
import { SEGMENT_FINETUNE } from './segment-finetune.js';

/**
 * A small segmenter from scratch, for tens to thousands of images with label maps: minutes on a CPU.
 *
 *     convnextv2 train segment --data DIR --out RUN
 *
 * Numbers: those of `segment-finetune`, but one learning rate for all layers, since none is trained yet. A run by the name of
 * the recipe takes the size of the input from the images (`train/segment/fit-settings.ts`). For what was measured, see
 * docs/little-data.md.
 */
export const SEGMENT: SegmentationConfig = {
  ...SEGMENT_FINETUNE,
  layers: { kind: 'uniform' },
};
