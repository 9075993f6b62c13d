import { createDenseBackbone } from '../../backbone/output-norms.js';
import { ConvNeXtV2Config } from '../../backbone/variants.js';
import { WeightsError } from '../../core/errors.js';
import * as t from '../../core/schema.js';
import { schemaFault } from '../../core/schema-fault.js';
import { createClassifier, type ClassifierConfig } from '../../models/classifier.js';
import { DetectorConfig } from '../../models/detection/config.js';
import { createDetector } from '../../models/detector.js';
import { createUperNet, UperNetConfig } from '../../models/upernet.js';
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

/** Cards of models that predict. */
export type WebCard = ClassifierCard | DetectorCard | SegmenterCard;

/** Configurations of networks, with unknown fields of later versions. */
const NETWORKS: Readonly<Record<WebCard['task'], t.Schema>> = {
  classify: t.withUnknownFields(
    t.record({
      backbone: ConvNeXtV2Config,
      classes: t.whole(1, 2 ** 20),
      headInitScale: t.number(),
      hiddenChannels: t.optional(t.whole(1, 2 ** 14)),
      normFirst: t.optional(t.FLAG),
    }),
  ),
  detect: t.withUnknownFields(DetectorConfig),
  segment: t.withUnknownFields(UperNetConfig),
};

/**
 * Checks the configuration of a network before it is created.
 *
 * @throws WeightsError if it is damaged, or has another number of classes than the card
 */
export function assertNetwork(file: string, { task, classNames }: WebCard, config: unknown): void {
  const fault = schemaFault(NETWORKS[task], config);
  if (fault !== undefined)
    throw WeightsError.in(file, `expected a network, got a damaged description: ${fault}`);
  const { classes, numClasses = classes } = config as {
    readonly classes?: number;
    readonly numClasses?: number;
  };
  if (numClasses !== classNames.length)
    throw WeightsError.in(
      file,
      `expected a network of ${classNames.length} classes, got one of ${numClasses}`,
    );
}

/** Creates the network of a model file. @param config parsed `network` */
export function networkOf(card: WebCard, config: unknown): WebNetwork {
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
