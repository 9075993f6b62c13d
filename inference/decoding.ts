import { isUpright } from '../core/upright.js';
import type { DecodeOptions } from '../io/image/decode.js';
import type { PixelRange } from '../io/image/range.js';
import type { ModelCard } from './card.js';

/** Options to decode images for a model: in the frame of its task, and scaled as in its training data. */
export function decodingFor(card: ModelCard): Pick<DecodeOptions, 'upright' | 'range'> {
  const range = card.task === 'detect' || card.task === 'segment' ? card.range : undefined;
  return { upright: isUpright(card.task), range };
}

/**
 * A sample or data set whose pixels are scaled as it says itself, else as in the training data of the model, like those of
 * `predict`.
 */
export function scaledFor<Given extends { readonly range?: PixelRange | undefined }>(
  card: ModelCard,
  given: Given,
): Given {
  return given.range ? given : { ...given, range: decodingFor(card).range };
}
