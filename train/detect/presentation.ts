import { basename } from 'node:path';
import type { DetectedObject, DetectResult } from '../../core/results.js';
import type { DetectorModel } from '../../inference/model.js';
import { toCoco } from '../../inference/to-coco.js';
import { encodeRgbPng } from '../../io/png/write.js';
import { draw } from '../../report/draw.js';
import type { Presentation } from '../presentation.js';

/** Rows of the table of one image; the files have all. */
const MOST_SHOWN = 20;

/**
 * Objects in each image: a table, and as files an overlay per image and `results.json` in COCO's format, with the ids of
 * `images.json`, which lists images and classes as COCO's annotation files do.
 *
 * @param minScore of objects that are shown; `results.json` has all
 */
export function presentObjects(
  { card: { classNames, categoryIds } }: DetectorModel,
  minScore: number,
): Presentation<DetectResult> {
  const shownOf = ({ objects }: DetectResult): readonly DetectedObject[] =>
    objects.filter(({ score }) => score >= minScore);
  return {
    fields: (result) => ({
      detections: shownOf(result).map(({ name, score, box }) => ({ name, score, bbox: box })),
    }),
    text: ({ file, result }) => {
      const shown = shownOf(result);
      const rows = shown
        .slice(0, MOST_SHOWN)
        .map(({ name, score, box }) => [
          name,
          (100 * score).toFixed(1),
          ...box.map((value) => value.toFixed(0)),
        ]);
      return [
        `${file}: ${shown.length} ${shown.length === 1 ? 'object' : 'objects'}`,
        ...(rows.length > 0 ? [[['class', 'score %', 'x', 'y', 'width', 'height'], ...rows]] : []),
        ...(shown.length > MOST_SHOWN ? [`… and ${shown.length - MOST_SHOWN} more`] : []),
      ];
    },
    lists: ['images', 'results'],
    rows: ({ file, index, result }) => {
      const [imageId, { width, height }] = [index + 1, result];
      return {
        images: [{ id: imageId, file_name: basename(file), width, height }],
        results: toCoco(result, { imageId }),
      };
    },
    pictures: async ({ image, result }, name) => ({
      [name]: encodeRgbPng(await draw(result, image, { minScore })),
    }),
    files: ({ images, results }) => ({
      'results.json': results,
      'images.json': {
        images,
        categories: classNames.map((name, k) => ({ id: categoryIds[k], name })),
        annotations: [],
      },
    }),
    wrote: (numImages, out) =>
      `wrote ${numImages} overlays, results.json and images.json to ${out}`,
  };
}
