import { join } from 'node:path';
import type { SegmentResult } from '../../core/results.js';
import type { SegmenterModel } from '../../inference/model.js';
import { encodeLargeIndexedPng } from '../../io/png/indexed.js';
import { encodeRgbPng } from '../../io/png/write.js';
import { classFractions, draw, fractionText } from '../../report/draw.js';
import { reducedResult } from '../../report/reduced-result.js';
import { counted } from '../data-facts.js';
import type { Presentation } from '../presentation.js';
import { paletteOf } from './palette.js';

/**
 * Presentation of segmentation results: a table of fractions, and as files an overlay with a legend per image, the class
 * indices as PNG with palette in `labels/`, and `classes.json`.
 *
 * @param paletteFile file with the colors of the classes, one `#rrggbb` per line
 * @throws DataError for a palette that cannot be read
 */
export function presentPixels(
  { card }: SegmenterModel,
  paletteFile: string | undefined,
): Presentation<SegmentResult> {
  const { classNames } = card;
  const palette = paletteOf(card, paletteFile);
  const hex = (k: number): string =>
    `#${Buffer.from(palette.subarray(3 * k, 3 * k + 3)).toString('hex')}`;
  return {
    common: {},
    shown: (result) => result,
    fields: (result) => ({
      classes: classFractions(result).map(({ classIndex, name, fraction }) => ({
        classIndex,
        name,
        share: fraction,
      })),
    }),
    text: ({ file, result }) => [
      file,
      [
        ['class', '% of pixels'],
        ...classFractions(result).map(({ name, fraction }) => [name, fractionText(fraction, 1)]),
      ],
    ],
    lists: [],
    rows: () => ({}),
    outputs: (pictures) => [
      ...pictures.flatMap((name) => [name, join('labels', name)]),
      'classes.json',
    ],
    pictures: async ({ image, result }, name) => {
      const { width, height, labels: data } = result;
      return {
        [name]: encodeRgbPng(await draw(reducedResult(result, image), image, { palette })),
        [join('labels', name)]: await encodeLargeIndexedPng({ width, height, data }, palette),
      };
    },
    files: () => ({
      'classes.json': classNames.map((name, k) => ({ index: k, name, colour: hex(k) })),
    }),
    wrote: (numImages, out) =>
      `wrote ${counted(numImages, 'overlay')}, labels/ and classes.json to ${out}`,
  };
}
