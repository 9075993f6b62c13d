import { WeightsError } from '../../core/errors.js';
import { readClassList } from '../../datasets/class-list.js';
import { imageNetClasses } from '../../datasets/classes/imagenet.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import type { LoadedClassifier } from '../../models/classifier-weights.js';
import { loadClassifier } from '../../models/classifier-weights.js';
import type { ClassifierCard } from '../../models/model-card.js';
import { classifierCard } from '../../models/model-card.js';
import type { LocatedModel } from './locate.js';

/** A classifier ready to use, with what its inputs and outputs mean. */
export interface OpenedClassifier extends LoadedClassifier {
  readonly file: string;
  readonly card: ClassifierCard;
}

/** What a user may say about a model beside its name. */
export interface OpenOptions {
  /** Use the moving average of the weights. */
  readonly ema?: boolean;
  /** Class names: a list of {@link readClassList}. */
  readonly classes?: string;
  /** Side of the input, where the file does not say it. */
  readonly size?: number;
}

/**
 * Opens a classifier with its card; weight files without one get ImageNet's pre-processing and, for 1000 classes, its names.
 *
 * @throws WeightsError if the file is of another task or does not fit
 */
export async function openClassifier(
  { file, state, inputSize }: LocatedModel,
  options: OpenOptions = {},
): Promise<OpenedClassifier> {
  const which = options.ema ? ({ which: 'model_ema' } as const) : {};
  if (state) {
    const card = classifierCard(file, state);
    return { ...(await loadClassifier(file, { ...which, backbone: card.backbone })), file, card };
  }
  const loaded = await loadClassifier(file, which);
  const { backbone, classes } = loaded.model.config;
  const classNames = options.classes
    ? readClassList(options.classes).map(({ name }) => name)
    : classes === 1000
      ? imageNetClasses().map(({ name }) => name)
      : Array.from({ length: classes }, (_, k) => `class ${k}`);
  if (classNames.length !== classes) {
    throw new WeightsError(
      `${file}: expected ${classes} class names, got ${classNames.length} in ${String(options.classes)}`,
      { file },
    );
  }
  const card: ClassifierCard = {
    task: 'classify',
    backbone,
    classNames,
    pixels: IMAGENET_PIXELS,
    resize: evaluationResize(options.size ?? inputSize ?? 224),
  };
  return { ...loaded, file, card };
}
