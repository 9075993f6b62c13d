import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { ClassificationConfig } from '../config/classify.js';
import type { Settings } from '../config/layers.js';
import { affordableSide } from '../image-sizes.js';

/**
 * Chooses settings of a classifier by its training set: an input no larger than the images.
 *
 * @param isSet whether the user set a value at or below a path, which is then kept
 * @returns settings to merge into the configuration
 * @throws DataError if an image cannot be read
 */
export async function fitClassifier(
  { samples }: ClassificationSet,
  { training, evaluation }: ClassificationConfig,
  isSet: (path: string) => boolean,
): Promise<Settings> {
  const isFixed =
    training.kind !== 'training' || isSet('training.inputSize') || isSet('evaluation.inputSize');
  if (isFixed) return {};
  const usual = evaluation.inputSize;
  const inputSize = await affordableSide(samples, usual);
  return inputSize === usual ? {} : { training: { inputSize }, evaluation: { inputSize } };
}
