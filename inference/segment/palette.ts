import { ADE20K_CLASSES, ade20kPalette } from '../../datasets/classes/ade20k.js';
import type { ModelCard, SegmenterCard } from '../card.js';

/** Colors of the classes of pixels: those of the model, else ADE20K's for its classes; undefined for other classes. */
export function classPalette({
  classNames,
  palette,
}: Pick<SegmenterCard, 'classNames' | 'palette'>): SegmenterCard['palette'] {
  if (palette?.length === classNames.length) return palette;
  if (classNames.join('\n') !== ADE20K_CLASSES.join('\n')) return undefined;
  const colors = ade20kPalette();
  return ADE20K_CLASSES.map((_, k) => {
    const [r, g, b] = colors.subarray(3 * k, 3 * k + 3);
    return [r, g, b];
  });
}

/** Completes the card of a segmenter with the colors of its classes. */
export const withPalette = <Card extends ModelCard>(card: Card): Card =>
  card.task === 'segment' ? { ...card, palette: classPalette(card) } : card;
