import type { DetectionConfig } from '../detect/config.js';
import { COCO_CASCADE_BASE } from './coco-cascade-base.js';
import { COCO_CASCADE_HUGE } from './coco-cascade-huge.js';
import { COCO_CASCADE_LARGE } from './coco-cascade-large.js';
import { COCO_CASCADE_TINY } from './coco-cascade-tiny.js';
import { COCO_MASK_RCNN_ATTO } from './coco-mask-rcnn-atto.js';
import { COCO_MASK_RCNN_BASE } from './coco-mask-rcnn-base.js';
import { COCO_MASK_RCNN_FEMTO } from './coco-mask-rcnn-femto.js';
import { COCO_MASK_RCNN_HUGE } from './coco-mask-rcnn-huge.js';
import { COCO_MASK_RCNN_LARGE } from './coco-mask-rcnn-large.js';
import { COCO_MASK_RCNN_NANO } from './coco-mask-rcnn-nano.js';
import { COCO_MASK_RCNN_PICO } from './coco-mask-rcnn-pico.js';
import { COCO_MASK_RCNN_TINY } from './coco-mask-rcnn-tiny.js';
import { COCO_MASK_RCNN_TINY_MS } from './coco-mask-rcnn-tiny-ms.js';
import { DETECT } from './detect.js';
import { DETECT_FINETUNE } from './detect-finetune.js';

/** Recipes of object detection by name. */
export const DETECTION_RECIPES: Readonly<Record<string, DetectionConfig>> = {
  detect: DETECT,
  'detect-finetune': DETECT_FINETUNE,
  'coco-mask-rcnn-atto': COCO_MASK_RCNN_ATTO,
  'coco-mask-rcnn-femto': COCO_MASK_RCNN_FEMTO,
  'coco-mask-rcnn-pico': COCO_MASK_RCNN_PICO,
  'coco-mask-rcnn-nano': COCO_MASK_RCNN_NANO,
  'coco-mask-rcnn-tiny': COCO_MASK_RCNN_TINY,
  'coco-mask-rcnn-base': COCO_MASK_RCNN_BASE,
  'coco-mask-rcnn-large': COCO_MASK_RCNN_LARGE,
  'coco-mask-rcnn-huge': COCO_MASK_RCNN_HUGE,
  'coco-mask-rcnn-tiny-ms': COCO_MASK_RCNN_TINY_MS,
  'coco-cascade-tiny': COCO_CASCADE_TINY,
  'coco-cascade-base': COCO_CASCADE_BASE,
  'coco-cascade-large': COCO_CASCADE_LARGE,
  'coco-cascade-huge': COCO_CASCADE_HUGE,
};
