import type { SegmentationConfig } from '../config/segment.js';
import { SEGMENT_FINETUNE } from './segment-finetune.js';

/**
 * A small segmenter from scratch, for tens to thousands of images with label maps: minutes on a CPU.
 *
 *     convnextv2 train segment --data DIR --out RUN
 *
 * Numbers: those of `segment-finetune` and a Dice term of weight 1, which gained 3 and 6 points of mIoU in two seeds on 60 pictures
 * of two classes; one learning rate for all layers did not help: docs/little-data.md. A run by the name of the recipe takes the
 * size of the input from the images (`train/segment/fit-settings.ts`).
 */
export const SEGMENT: SegmentationConfig = { ...SEGMENT_FINETUNE, loss: { diceWeight: 1 } };
