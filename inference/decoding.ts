import type { DecodeOptions } from '../io/image/decode.js';
import type { ModelCard } from './card.js';

/**
 * Options to decode images for a model: upright for detection and segmentation, the stored pixels for classification as
 * in timm, and scaled as in its training data.
 */
export function decodingFor(card: ModelCard): Pick<DecodeOptions, 'upright' | 'range'> {
  const hasFrame = card.task === 'detect' || card.task === 'segment';
  return { upright: hasFrame, range: hasFrame ? card.range : undefined };
}
