import { createDenseBackbone } from '../../backbone/output-norms.js';
import { createClassifier, type ClassifierConfig } from '../../models/classifier.js';
import type { DetectorConfig } from '../../models/detection/config.js';
import { createDetector } from '../../models/detector.js';
import { createUperNet, type UperNetConfig } from '../../models/upernet.js';
import type { ClassifierCard, DetectorCard, SegmenterCard } from '../card.js';
import type { LoadedModel } from '../model.js';

/**
 * Model file of the browser: safetensors whose metadata says all that is needed to rebuild the network, and whose tensors
 * are the parameters by path in this library's layout, in single or half precision.
 */
export const WEB_FORMAT = 'convnextv2-web-1';

/** Metadata of the file; safetensors has texts only, so `card` and `network` are JSON. */
export interface WebMetadata {
  readonly format: typeof WEB_FORMAT;
  /** Model card. */
  readonly card: string;
  /** Configuration of the network, by which it is created. */
  readonly network: string;
}

/** Network of a model card. */
export type WebNetwork = LoadedModel['model'];

/** Creates the network of a model file. @param config parsed `network` */
export function networkOf(
  card: ClassifierCard | DetectorCard | SegmenterCard,
  config: unknown,
): WebNetwork {
  switch (card.task) {
    case 'classify':
      return createClassifier(config as ClassifierConfig);
    case 'detect':
      return createDetector(createDenseBackbone(card.backbone), config as DetectorConfig);
    case 'segment':
      return createUperNet(createDenseBackbone(card.backbone), config as UperNetConfig);
    default:
      return card satisfies never;
  }
}
