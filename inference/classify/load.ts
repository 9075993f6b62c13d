import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { WeightsError } from '../../core/errors.js';
import { imageNetClasses } from '../../datasets/classes/imagenet.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import {
  createClassifier,
  type Classifier,
  type ClassifierConfig,
} from '../../models/classifier.js';
import { loadWeights, parameterTargets } from '../../weights/load.js';
import type { Which } from '../../weights/select.js';
import { summarizeWeights } from '../../weights/verify.js';
import { readCard, type ClassifierCard } from '../card.js';
import { classNamesOf, type LoadOptions } from '../class-names.js';
import type { LocatedModel } from '../locate.js';
import { backboneConfig } from '../state-dict.js';

/** A classifier with its weights. */
export interface LoadedClassifier {
  readonly model: Classifier;
  readonly store: ParameterStore;
}

/** Options of {@link loadClassifier}. */
interface LoadClassifierOptions {
  /** Choice between trained weights and their EMA. */
  readonly which?: Which | undefined;
  /** Architecture from a checkpoint; default: derived from the tensors. */
  readonly backbone?: ConvNeXtV2Config | undefined;
}

/**
 * Reads a classifier of any size from a weight file of any container and naming scheme.
 *
 * @throws WeightsError if the file is damaged, is not a classifier, or does not fit
 */
export async function loadClassifier(
  file: string,
  { which, backbone }: LoadClassifierOptions = {},
): Promise<LoadedClassifier> {
  const { architecture } = await summarizeWeights(file, { which });
  const { numClasses } = architecture;
  if (numClasses === undefined)
    throw WeightsError.in(
      file,
      `expected a classifier, got an encoder without head; fine-tune it first (train --weights ${file})`,
    );
  const model = createClassifier({
    backbone: backbone ?? backboneConfig(architecture),
    classes: numClasses,
    headInitScale: 1,
  });
  const store = new ParameterStore(model.specs);
  await loadWeights(file, parameterTargets(store), { which });
  return { model, store };
}

/**
 * Opens a classifier with its card; for weight files without one, ImageNet's preprocessing and, for 1000 classes, its
 * names are used.
 *
 * @throws WeightsError if the file is of another task or does not fit
 */
export async function openClassifier(
  { file, state }: LocatedModel,
  { which, classes, size, backbone: own, published }: LoadOptions,
): Promise<LoadedClassifier & { readonly file: string; readonly card: ClassifierCard }> {
  if (state) {
    const card = readCard(file, state, 'classify');
    const { backbone } = card;
    if (!own) return { ...(await loadClassifier(file, { which, backbone })), file, card };
    const config = { backbone, classes: card.classNames.length, headInitScale: 1 };
    const model = createClassifier(config, own);
    const store = new ParameterStore(model.specs);
    await loadWeights(file, parameterTargets(store), { which });
    return { model, store, file, card };
  }
  const loaded = await loadClassifier(file, { which });
  const card =
    published?.task === 'classify'
      ? published
      : imageNetCard(file, loaded.model.config, { classes, size });
  return { ...loaded, file, card };
}

/**
 * Model card of a classifier whose file has none: preprocessing of ImageNet, and its names for 1000 classes.
 *
 * @param file for messages
 * @throws WeightsError if the number of names differs
 */
export function imageNetCard(
  file: string,
  { backbone, classes: numClasses }: Pick<ClassifierConfig, 'backbone' | 'classes'>,
  { classes, size = 224 }: Pick<LoadOptions, 'classes' | 'size'> = {},
): ClassifierCard {
  return {
    task: 'classify',
    backbone,
    classNames:
      classes === undefined && numClasses === 1000
        ? imageNetClasses().map(({ name }) => name)
        : classNamesOf(file, numClasses, classes),
    pixels: IMAGENET_PIXELS,
    resize: evaluationResize(size),
  };
}
