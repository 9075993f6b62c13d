import { CASCADE_MASK_RCNN } from '../../models/cascade.js';
import type { DetectionConfig } from '../detect/config.js';
import { COCO_MASK_RCNN_TINY_MS } from './coco-mask-rcnn-tiny-ms.js';

/**
 * What the Cascade Mask R-CNN recipes of all sizes share; the recipes are the files `coco-cascade-SIZE.ts`.
 *
 * Numbers: ConvNeXt V1's Cascade configurations: heads of four convolutions with batch norm and one fully connected layer, GIoU
 * with weight 10 on decoded boxes, and multi-scale training, schedule and test as in `coco-mask-rcnn-tiny-ms`. Batch norms there take their
 * statistics over the regions of all 16 images (SyncBN). Exactly so here on eight ranks, `mpiexec -n 8 … --set accumulation=1`; on fewer,
 * over those of the 2 images a rank that are computed at once.
 *
 * @see https://github.com/facebookresearch/ConvNeXt/tree/main/object_detection/configs/convnext
 */
export const COCO_CASCADE: Omit<DetectionConfig, 'backbone' | 'dropPathRate' | 'lr' | 'layers'> = {
  ...COCO_MASK_RCNN_TINY_MS,
  batchNormOver: 'ranks',
  detector: {
    channels: CASCADE_MASK_RCNN.channels,
    rpn: CASCADE_MASK_RCNN.rpn,
    boxRoiSize: CASCADE_MASK_RCNN.boxRoiSize,
    stages: CASCADE_MASK_RCNN.stages,
    masks: CASCADE_MASK_RCNN.masks,
  },
};
