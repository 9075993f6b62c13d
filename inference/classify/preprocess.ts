import type { RgbImage } from '../../core/image.js';
import { resizeForEvaluation } from '../../datasets/transforms/evaluation.js';
import { normalizationTable, normalizeInto } from '../../datasets/transforms/normalize.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import type { ClassifierCard } from '../card.js';

/**
 * Converts an image to the classifier's input: resized, cropped to a square and normalized. Loaders do the same in two
 * steps, normalizing in the main thread.
 *
 * @returns `[1, S, S, 3]`
 */
export function classifierInput(
  image: RgbImage,
  { pixels, resize }: Pick<ClassifierCard, 'pixels' | 'resize'>,
): HostTensor {
  const { width, height, data } = resizeForEvaluation(image, resize);
  const input = new Float32Array(data.length);
  normalizeInto({ width, height, data }, normalizationTable(pixels), input, { offset: 0 });
  return { shape: [1, height, width, 3], data: input };
}
