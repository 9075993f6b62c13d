import * as rule from '../../core/options.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { WeightsError } from '../../core/errors.js';
import { imageNetClasses } from '../../datasets/classes/imagenet.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import {
  createClassifier,
  type Classifier,
  type ClassifierConfig,
} from '../../models/classifier.js';
import { loadWeights, parameterTargets } from '../../weights/load.js';
import { A_WHICH, type Which } from '../../weights/select.js';
import { linearLayersBeside, summarizeWeights } from '../../weights/verify.js';
import type { ClassifierCard } from '../card.js';
import { readCard } from '../read-card.js';
import { classNamesOf, type LoadOptions } from '../class-names.js';
import type { LocatedModel } from '../locate.js';
import { originOf, pixelsOf, resizeOf, type Origin } from '../origin.js';
import { backboneConfig } from '../state-dict.js';
import { readTraining } from '../training-meta.js';

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

const LOAD_RULES: rule.OptionRules<LoadClassifierOptions> = {
  which: A_WHICH,
  backbone: rule.AN_OBJECT,
};

/**
 * Reads a classifier of any size from a weight file of any container and naming scheme.
 *
 * @throws WeightsError if the file is damaged, is not a classifier, or does not fit
 */
export async function loadClassifier(
  file: string,
  options: LoadClassifierOptions = {},
): Promise<LoadedClassifier> {
  rule.assertOptions('loadClassifier', options, LOAD_RULES);
  const { which, backbone } = options;
  const { model, store } = await loadWithOrigin(file, { which, backbone });
  return { model, store };
}

/** {@link loadClassifier} with what is known about the origin of the file. */
async function loadWithOrigin(
  file: string,
  { which, backbone }: LoadClassifierOptions,
): Promise<LoadedClassifier & { readonly origin: Origin }> {
  const summary = await summarizeWeights(file, { which });
  const { architecture } = summary;
  const { numClasses } = architecture;
  const origin = await ofTraining(file, originOf(file, summary), numClasses);
  if (numClasses === undefined)
    throw WeightsError.in(
      file,
      `expected a classifier, got an encoder without head; fine-tune it first (train --weights ${file})${await linearLayersBeside(file, architecture.dims[3], which)}`,
    );
  const model = createClassifier({
    backbone: backbone ?? backboneConfig(architecture, origin),
    classes: numClasses,
    headInitScale: 1,
    hiddenChannels: architecture.hiddenChannels,
    normFirst: architecture.normFirst,
  });
  const store = new ParameterStore(model.specs);
  await loadWeights(file, parameterTargets(store), { which, isNew: true });
  return { model, store, origin };
}

/** Adds what a checkpoint of OpenMMLab holds about its training, but not its spelling of ImageNet's class names. */
async function ofTraining(
  file: string,
  origin: Origin,
  numClasses: number | undefined,
): Promise<Origin> {
  const { classNames, pixels, crop } = await readTraining(file);
  const isImageNet = classNames?.length === 1000 && classNames[0].startsWith('tench');
  const labels = classNames?.length === numClasses && !isImageNet ? classNames : undefined;
  const resize = crop && ({ ...crop, mode: 'crop' } as const);
  return { ...origin, ...pixels, ...resize, labels: origin.labels ?? labels };
}

/**
 * Opens a classifier with its card; weight files without one have the preprocessing of their origin, see
 * {@link originOf}.
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
    await loadWeights(file, parameterTargets(store), { which, isNew: true });
    return { model, store, file, card };
  }
  const { origin, ...loaded } = await loadWithOrigin(file, { which });
  const card =
    published?.task === 'classify'
      ? published
      : imageNetCard(file, loaded.model.config, { classes, size }, origin);
  return { ...loaded, file, card };
}

/**
 * Model card of a classifier whose file has none: preprocessing of its origin, else that of ImageNet, and ImageNet's names
 * for 1000 classes.
 *
 * @param file for messages
 * @throws WeightsError if the number of names differs
 */
export function imageNetCard(
  file: string,
  { backbone, classes: numClasses }: Pick<ClassifierConfig, 'backbone' | 'classes'>,
  { classes, size }: Pick<LoadOptions, 'classes' | 'size'> = {},
  origin: Origin = {},
): ClassifierCard {
  const names = classes ?? origin.labels;
  return {
    task: 'classify',
    backbone,
    classNames:
      names === undefined && numClasses === 1000
        ? imageNetClasses().map(({ name }) => name)
        : classNamesOf(file, numClasses, names),
    pixels: pixelsOf(origin),
    resize: resizeOf(origin, size),
  };
}
