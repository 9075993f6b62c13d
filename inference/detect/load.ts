import * as rule from '../../core/options.js';
import { createDenseBackbone } from '../../backbone/output-norms.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { cocoClasses } from '../../datasets/classes/coco.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { canonicalWeights } from '../../weights/canonical.js';
import { withWeights } from '../../weights/open.js';
import type { Which } from '../../weights/select.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import type { DetectorCard } from '../card.js';
import { readCard } from '../read-card.js';
import { classNamesOf, type LoadOptions } from '../class-names.js';
import type { LocatedModel } from '../locate.js';
import { pixelsOf } from '../origin.js';
import { NETWORK_RULES, type NetworkOptions } from '../state-dict.js';
import { readTraining } from '../training-meta.js';
import { detectorOf, thresholdsOf, type DetectorArchitecture } from './architecture.js';
import { loadDetectorWeights } from './weights.js';
import { createDetector, type Detector } from '../../models/detector.js';

/** Test size of detectors on COCO. */
const LIMITS = { long: 1333, short: 800 } as const;

/** A detector with its weights. */
export interface LoadedDetector {
  readonly backbone: ConvNeXtV2Config;
  readonly model: Detector;
  readonly store: ParameterStore;
}

/**
 * Reads a Mask R-CNN or Cascade Mask R-CNN on ConvNeXt from a checkpoint of this library or a state dict of mmdetection.
 * Strict: every name and shape must fit.
 *
 * @throws WeightsError if the file is damaged, is not such a detector, or does not fit; OptionError
 */
export async function loadDetector(
  file: string,
  options: NetworkOptions<DetectorArchitecture> = {},
): Promise<LoadedDetector> {
  rule.assertOptions('loadDetector', options, NETWORK_RULES);
  const { which, architecture, network } = options;
  const { backbone, detector } = architecture ?? (await inferDetector(file, which));
  const model = createDetector(network ?? createDenseBackbone(backbone), detector);
  const store = new ParameterStore(model.specs);
  await loadDetectorWeights(file, store, { which, isNew: true });
  return { backbone, model, store };
}

/**
 * Opens a detector with its card; for weight files without one (state dicts of mmdetection), COCO's preprocessing and
 * thresholds and, for 80 classes, its names are used.
 *
 * @throws WeightsError if the file is of another task or does not fit
 */
export async function openDetector(
  { file, state }: LocatedModel,
  { which, classes, size, backbone: network, published }: LoadOptions,
): Promise<LoadedDetector & { readonly file: string; readonly card: DetectorCard }> {
  const card = state ? readCard(file, state, 'detect') : published;
  if (card?.task === 'detect') {
    const loaded = await loadDetector(file, { which, architecture: card, network });
    return { ...loaded, file, card };
  }
  const loaded = await loadDetector(file, { which });
  const architecture = { backbone: loaded.backbone, detector: loaded.model.config };
  const { numClasses } = loaded.model.config;
  const training = await readTraining(file);
  const trained = training.classNames;
  const isCoco = trained?.join() === cocoClasses().names.join(); // then with COCO's category ids
  const names = trained?.length === numClasses && !isCoco ? trained : undefined;
  const options = { classes: classes ?? names, size };
  const own = cocoCard(file, architecture, options);
  const limits = size === undefined ? (training.limits ?? own.limits) : own.limits;
  const pixels = pixelsOf(training.pixels ?? {});
  return { ...loaded, file, card: { ...own, limits, pixels, thresholds: thresholdsOf(training) } };
}

/**
 * Model card of a detector whose file has none: test protocol of COCO, and its names for 80 classes.
 *
 * @param file for messages
 * @throws WeightsError if the number of names differs
 */
export function cocoCard(
  file: string,
  { backbone, detector }: DetectorArchitecture,
  { classes, size = LIMITS.short }: Pick<LoadOptions, 'classes' | 'size'> = {},
): DetectorCard {
  const coco = cocoClasses();
  const classNames = classNamesOf(file, detector.numClasses, classes, coco.names);
  return {
    task: 'detect',
    backbone,
    detector,
    classNames,
    categoryIds: classNames === coco.names ? coco.categoryIds : classNames.map((_, k) => k + 1),
    pixels: IMAGENET_PIXELS,
    limits: { short: size, long: Math.round((LIMITS.long * size) / LIMITS.short) },
    thresholds: DETECTION_THRESHOLDS,
  };
}

/**
 * Derives the architecture of a detector from the tensors of a file: one box stage means Mask R-CNN, several mean a
 * cascade.
 *
 * @throws WeightsError if it is not a detector
 */
export function inferDetector(file: string, which?: Which): Promise<DetectorArchitecture> {
  return withWeights(file, (source) => detectorOf(source, canonicalWeights(source, which).tensors));
}
