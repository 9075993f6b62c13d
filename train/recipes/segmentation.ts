import type { SegmentationConfig } from '../segment/config.js';
import { ADE20K_UPERNET_ATTO } from './ade20k-upernet-atto.js';
import { ADE20K_UPERNET_FEMTO } from './ade20k-upernet-femto.js';
import { ADE20K_UPERNET_PICO } from './ade20k-upernet-pico.js';
import { ADE20K_UPERNET_NANO } from './ade20k-upernet-nano.js';
import { ADE20K_UPERNET_TINY } from './ade20k-upernet-tiny.js';
import { ADE20K_UPERNET_BASE } from './ade20k-upernet-base.js';
import { ADE20K_UPERNET_LARGE } from './ade20k-upernet-large.js';
import { ADE20K_UPERNET_HUGE } from './ade20k-upernet-huge.js';
import { ADE20K_UPERNET_HUGE_640 } from './ade20k-upernet-huge-640.js';
import { SEGMENT_FINETUNE } from './segment-finetune.js';

/** Recipes of semantic segmentation by name. */
export const SEGMENTATION_RECIPES: Readonly<Record<string, SegmentationConfig>> = {
  'ade20k-upernet-atto': ADE20K_UPERNET_ATTO,
  'ade20k-upernet-femto': ADE20K_UPERNET_FEMTO,
  'ade20k-upernet-pico': ADE20K_UPERNET_PICO,
  'ade20k-upernet-nano': ADE20K_UPERNET_NANO,
  'ade20k-upernet-tiny': ADE20K_UPERNET_TINY,
  'ade20k-upernet-base': ADE20K_UPERNET_BASE,
  'ade20k-upernet-large': ADE20K_UPERNET_LARGE,
  'ade20k-upernet-huge': ADE20K_UPERNET_HUGE,
  'ade20k-upernet-huge-640': ADE20K_UPERNET_HUGE_640,
  'segment-finetune': SEGMENT_FINETUNE,
};
