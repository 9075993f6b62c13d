import { basename } from 'node:path';
import type { DetectedObject, DetectResult } from '../../core/results.js';
import {
  scoreFields,
  shownObjects,
  type ShownScores,
} from '../../inference/detect/shown-scores.js';
import type { DetectorModel } from '../../inference/model.js';
import { toCoco } from '../../inference/to-coco.js';
import { cocoCategories, cocoImage } from '../../io/coco/write.js';
import { encodeRgbPng } from '../../io/png/write.js';
import { draw } from '../../report/draw.js';
import { reducedResult } from '../../report/reduced-result.js';
import { counted } from '../data-facts.js';
import type { Presentation } from '../presentation.js';

/** Largest number of rows in the table of one image; files have all. */
const MOST_SHOWN = 20;

/** Names the likeliest object of an image in which none is shown, and the option that shows it. */
function hintOf({ objects }: DetectResult): string {
  const likeliest = objects.reduce<DetectedObject | undefined>(
    (best, object) => (best && best.score >= object.score ? best : object),
    undefined,
  );
  const percent = Math.floor(100 * (likeliest?.score ?? 0));
  if (!likeliest || percent < 1) return '';
  return `; the likeliest: ${likeliest.name} ${percent} % (--score ${percent / 100} shows it)`;
}

/**
 * Presentation of detections: a table, and as files an overlay per image and `results.json` in COCO's format, with the
 * ids of `images.json`, which lists images and classes like COCO's annotation files.
 *
 * @param scores smallest scores of shown objects; `results.json` has all
 */
export function presentObjects(
  { card: { classNames, categoryIds } }: DetectorModel,
  scores: ShownScores,
): Presentation<DetectResult> {
  const shown = (result: DetectResult): DetectResult => ({
    ...result,
    objects: shownObjects(result.objects, scores),
  });
  return {
    common: scoreFields(scores, classNames),
    shown,
    fields: (result) => ({
      detections: shown(result).objects.map(({ name, score, box }) => ({ name, score, bbox: box })),
    }),
    text: ({ file, result }) => {
      const { objects } = shown(result);
      const rows = objects
        .slice(0, MOST_SHOWN)
        .map(({ name, score, box }) => [
          name,
          (100 * score).toFixed(1),
          ...box.map((value) => value.toFixed(0)),
        ]);
      return [
        `${file}: ${counted(objects.length, 'object')}${objects.length === 0 ? hintOf(result) : ''}`,
        ...(rows.length > 0 ? [[['class', 'score %', 'x', 'y', 'width', 'height'], ...rows]] : []),
        ...(objects.length > MOST_SHOWN ? [`… and ${objects.length - MOST_SHOWN} more`] : []),
      ];
    },
    lists: ['images', 'results'],
    rows: ({ file, index, result }) => {
      const [imageId, { width, height }] = [index + 1, result];
      return {
        images: [cocoImage(imageId, basename(file), { width, height })],
        results: toCoco(result, { imageId }),
      };
    },
    outputs: (pictures) => [...pictures, 'results.json', 'images.json'],
    pictures: async ({ image, result }, name) => ({
      [name]: encodeRgbPng(await draw(reducedResult(shown(result), image), image)),
    }),
    files: ({ images, results }) => ({
      'results.json': results,
      'images.json': {
        images,
        categories: cocoCategories(classNames, categoryIds),
        annotations: [],
      },
    }),
    wrote: (numImages, out) =>
      `wrote ${counted(numImages, 'overlay')}, results.json and images.json to ${out}`,
  };
}
