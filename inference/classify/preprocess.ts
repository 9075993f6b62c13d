import type { RgbImage } from '../../core/image.js';
import { resizeForEvaluation } from '../../datasets/transforms/evaluation.js';
import { normalizationTable, normalizeInto } from '../../datasets/transforms/normalize.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import type { ClassifierCard } from '../card.js';

/**
 * An image as the classifier takes it: resized, cut to a square and normalized. Loaders do the same in two steps, the second one after
 * the bytes have crossed threads.
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
