import { isUint8Array } from '../core/arguments.js';
import * as rule from '../core/options.js';
import { ShapeError } from '../core/errors.js';
import { isUpright } from '../core/upright.js';
import type { RgbImage } from '../core/image.js';
import {
  assertResult,
  expandMask,
  type ClassifyResult,
  type DetectResult,
  type ImageResult,
  type SegmentResult,
} from '../core/results.js';
import { imageReader, type ImageInput } from '../io/image/input.js';
import { classColor, paletteColor } from './overlay/colors.js';
import { drawDetections, type DrawnDetection } from './overlay/detections.js';
import { blendLabels } from './overlay/labels.js';
import { appendLegend, type LegendEntry } from './overlay/legend.js';
import { enlargePicture, type Rgb } from './overlay/picture.js';
import { readingFactor } from './overlay/sizes.js';
import { drawableName } from './overlay/text.js';

/** Options of {@link draw}. */
export interface DrawOptions {
  /** Smallest score of objects, 0–1; default: all objects of the result. */
  readonly minScore?: number | undefined;
  /** Colors of the classes of pixels, `[K, 3]`; default: those of the model, else colors that are easy to distinguish. */
  readonly palette?: Uint8Array | undefined;
}

const DRAW_RULES: rule.OptionRules<DrawOptions> = {
  minScore: rule.A_FRACTION,
  palette: rule.ruled('colors as Uint8Array', isUint8Array),
};

/** Number of classes written below an image. */
const MOST_CLASSES = 5;

/**
 * Draws the result of a model on an image: classes in a legend below, objects with boxes, masks and names, or the classes
 * of all pixels with a legend. Small pictures are upscaled.
 *
 * @param image image of the result
 * @returns a new picture, `[H, W, 3]`
 * @throws InputError for an invalid image; DataError if it cannot be decoded; ShapeError if the result belongs to another
 *   size, or the palette has too few colors
 *
 * @example
 *   ```ts
 *   const model = await loadModel('RUN');
 *   const picture = await draw(await model.predict('photo.jpg'), 'photo.jpg');
 *   writeFileSync('drawn.png', encodeRgbPng(picture)); // writeFileSync of node:fs
 *   await model.release();
 *   ```
 */
export async function draw(
  result: ImageResult,
  image: ImageInput,
  options: DrawOptions = {},
): Promise<RgbImage> {
  assertResult('draw', result);
  rule.assertOptions('draw', options, DRAW_RULES);
  const pixels = await imageReader(image, { upright: isUpright(result.task) })();
  const { width, height } = result;
  if (pixels.width !== width || pixels.height !== height)
    throw new ShapeError(
      `draw: expected the image of the result, ${width}x${height}, got one of ${pixels.width}x${pixels.height}`,
    );
  switch (result.task) {
    case 'classify': {
      const best = result.classes.slice(0, MOST_CLASSES);
      return withLegend(pixels, legendOf({ ...result, classes: best }));
    }
    case 'detect':
      return drawDetections(pixels, drawnObjects(result, options.minScore));
    case 'segment':
      return drawSegmentation(pixels, result, options.palette);
    default:
      return result satisfies never;
  }
}

/** Selects the objects of a result above a score, for an overlay. */
export function drawnObjects({ objects }: DetectResult, minScore = 0): readonly DrawnDetection[] {
  return objects
    .filter(({ score }) => score >= minScore)
    .map(({ box: [x, y, width, height], classIndex, name, score, mask }) => ({
      box: [x, y, x + width, y + height],
      classIndex,
      label: name,
      score,
      mask: mask && expandMask(mask),
    }));
}

/** Draws an image, upscaled if small, with a legend below. */
export function withLegend(image: RgbImage, entries: readonly LegendEntry[]): RgbImage {
  return appendLegend(enlargePicture(image, readingFactor(image)), entries);
}

function legendOf({ classes }: ClassifyResult): readonly LegendEntry[] {
  return classes.map(({ classIndex, name, probability }) => ({
    color: classColor(classIndex),
    text: `${drawableName(name, classIndex)} ${(100 * probability).toFixed(0)}%`,
  }));
}

function drawSegmentation(
  image: RgbImage,
  result: SegmentResult,
  palette: Uint8Array | undefined,
): RgbImage {
  const numClasses = result.classNames.length;
  if (palette && palette.length < 3 * numClasses)
    throw new ShapeError(
      `draw: expected a palette of ${numClasses} colors, [K, 3], got ${palette.length} values`,
    );
  const color = (k: number): Rgb =>
    palette
      ? [palette[3 * k], palette[3 * k + 1], palette[3 * k + 2]]
      : paletteColor(result.palette, k);
  const { width, height, labels } = result;
  const entries = classFractions(result).map(({ classIndex, name, fraction }) => ({
    color: color(classIndex),
    text: `${drawableName(name, classIndex)} ${fractionText(fraction, fraction < 0.01 ? 1 : 0)} %`,
  }));
  return appendLegend(blendLabels(image, { width, height, data: labels }, color), entries);
}

/** A class and its fraction of an image. */
interface ClassFraction {
  readonly classIndex: number;
  readonly name: string;
  /** 0–1. */
  readonly fraction: number;
}

/** Computes the classes of an image's pixels, largest fraction first. */
export function classFractions({ labels, classNames }: SegmentResult): readonly ClassFraction[] {
  const counts = new Uint32Array(classNames.length);
  for (const label of labels) counts[label]++;
  return classNames
    .map((name, classIndex) => ({
      classIndex,
      name,
      fraction: counts[classIndex] / labels.length,
    }))
    .filter(({ fraction }) => fraction > 0)
    .sort((a, b) => b.fraction - a.fraction);
}

/** Formats a percentage; a class that occurs is not shown as 0.0. */
export const fractionText = (fraction: number, digits: number): string =>
  fraction > 0 && fraction < 0.001 ? '< 0.1' : (100 * fraction).toFixed(digits);
