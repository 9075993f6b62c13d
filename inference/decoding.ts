import { isUpright } from '../core/upright.js';
import type { DecodeOptions } from '../io/image/decode.js';
import type { ModelCard } from './card.js';

/** Options to decode images for a model: in the frame of its task, and scaled as in its training data. */
export function decodingFor(card: ModelCard): Pick<DecodeOptions, 'upright' | 'range'> {
  const range = card.task === 'detect' || card.task === 'segment' ? card.range : undefined;
  return { upright: isUpright(card.task), range };
}
