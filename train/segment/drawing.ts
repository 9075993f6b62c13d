import type { LabelMap } from '../../core/image.js';
import type { SegmenterCard } from '../../inference/card.js';
import { classPalette } from '../../inference/segment/palette.js';
import { paletteColor } from '../../report/overlay/colors.js';
import { blendLabels } from '../../report/overlay/labels.js';
import { appendLegend } from '../../report/overlay/legend.js';
import { drawableName } from '../../report/overlay/text.js';
import { besideEachOther } from '../../report/overlay/panels.js';
import type { Picture, Rgb } from '../../report/overlay/picture.js';

/** Largest number of classes in a legend. */
const MOST_CLASSES = 12;

/** Order of the panels of {@link drawSegmentation}, for captions. */
export const PANELS = 'from left to right: image, labels, prediction';

/**
 * Draws an image, its labels and its predictions side by side, with a legend of the classes below.
 *
 * @param card names of the classes and their colors
 */
export function drawSegmentation(
  image: Picture,
  { groundTruth, predictions }: { readonly groundTruth: LabelMap; readonly predictions: LabelMap },
  card: Pick<SegmenterCard, 'classNames' | 'palette'>,
): Picture {
  const { classNames: names } = card;
  const palette = classPalette(card);
  const color = (k: number): Rgb => paletteColor(palette, k);
  const occurring = new Set<number>();
  for (const { data } of [groundTruth, predictions])
    for (let i = 0; i < data.length; i++) occurring.add(data[i]);
  const shown = [...occurring]
    .filter((k) => k < names.length)
    .sort((a, b) => a - b)
    .slice(0, MOST_CLASSES);
  return appendLegend(
    besideEachOther([
      image,
      blendLabels(image, groundTruth, color),
      blendLabels(image, predictions, color),
    ]),
    shown.map((k) => ({ color: color(k), text: drawableName(names[k], k) })),
  );
}
