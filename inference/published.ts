import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { ConfigError } from '../core/errors.js';
import { CASCADE_MASK_RCNN } from '../models/cascade.js';
import { MASK_RCNN } from '../models/mask-rcnn.js';
import { UPERNET } from '../models/upernet.js';
import type { CatalogEntry } from '../weights/catalog.js';
import { NETWORKS } from '../weights/published-sizes.js';
import type { ClassifierCard, DetectorCard, SegmenterCard } from './card.js';
import type { LoadOptions } from './class-names.js';
import { imageNetCard } from './classify/load.js';
import { cocoCard } from './detect/load.js';
import { ade20kCard } from './segment/load.js';

/**
 * Model card of a published file: network, preprocessing, classes and the authors' test protocol.
 *
 * @param options class names and size of the input instead of the published ones
 * @throws ConfigError for an encoder, which has no predictions
 */
export function publishedCard(
  entry: CatalogEntry,
  { classes, size = entry.inputSizePx }: Pick<LoadOptions, 'classes' | 'size'> = {},
): ClassifierCard | DetectorCard | SegmenterCard {
  const { name, task, version, method } = entry;
  const { depths, dims } = NETWORKS[entry.size];
  // In V1 the response norm is the identity, and LayerScale is folded.
  const backbone = { depths, dims, responseNorm: 'grn' } as ConvNeXtV2Config;
  const options = { classes, size };
  switch (task) {
    case 'classify':
      return imageNetCard(name, { backbone, classes: entry.numClasses ?? 0 }, options);
    case 'detect': {
      const detector = method === 'Mask R-CNN' ? MASK_RCNN : CASCADE_MASK_RCNN;
      return cocoCard(name, { backbone, detector }, options);
    }
    case 'segment':
      return ade20kCard(name, { backbone, head: UPERNET, version }, options);
    case 'pretrain':
      throw new ConfigError(`${name}: expected a model that predicts, got a pre-trained encoder`);
    default:
      return task satisfies never;
  }
}
