import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '../../io/image/decode.js';
import { encodeIndexedPng } from '../../io/png/indexed.js';
import { encodeRgbPng } from '../../io/png/write.js';
import type { RgbImage } from '../../core/image.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { createSegmenterPredictor, type Segmentation } from '../../models/segmenter.js';
import { blendLabels } from '../../report/overlay/labels.js';
import { appendLegend } from '../../report/overlay/legend.js';
import type { Rgb } from '../../report/overlay/picture.js';
import { segmenterViews } from '../../train/segment/views.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import type { LocatedModel } from '../model/locate.js';
import { openSegmenter, paletteOf, viewing } from '../model/segmenter.js';
import { formatTable, log } from '../output.js';
import type { Numbered } from '../share.js';
import { shareOf } from '../share.js';
import { pngNames } from './names.js';
import type { PredictRequest } from './request.js';

/** A class and how much of an image it takes. */
interface Share {
  readonly classIndex: number;
  readonly name: string;
  /** 0–1. */
  readonly share: number;
}

/**
 * The class of every pixel: a table of shares, and in `--out` for each image an overlay with a legend, in `labels/` the class
 * indices as PNG with the palette, and `classes.json`.
 *
 * @throws DataError, WeightsError
 */
export async function predictSegment(
  located: LocatedModel,
  request: PredictRequest,
): Promise<object> {
  const { files, json, out } = request;
  const { owns, gather, finish } = shareOf(request);
  const opened = await openSegmenter(located, request);
  const { card, file: weights } = opened;
  const palette = paletteOf(card.classNames, request.palette);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const predictor = createSegmenterPredictor({ engine, ...opened });
  if (out) mkdirSync(join(out, 'labels'), { recursive: true });
  const names = pngNames(files);
  const predictions: Numbered<object>[] = [];
  const { ratios, mode } = viewing(card, request);
  for (const [i, file] of files.entries()) {
    if (!owns(i)) continue;
    const image = await decodeImage(file);
    const views = segmenterViews(image, { ...card, ratios });
    const found = await predictor.segment(views, image, mode);
    const shares = sharesOf(found, card.classNames);
    const { width, height } = image;
    predictions.push([i, { file, width, height, classes: shares }]);
    if (out) {
      const map = { width: found.width, height: found.height, data: found.labels };
      await write(join(out, names[i]), encodeRgbPng(overlay(image, found, shares, palette)));
      await write(join(out, 'labels', names[i]), encodeIndexedPng(map, palette));
    }
    if (!json) {
      const rows = shares.map(({ name, share }) => [name, shareText(share, 1)]);
      console.log(`${file}\n${formatTable([['class', '% of pixels'], ...rows])}`);
    }
  }
  await predictor.release();
  const all = await gather('predictions', predictions);
  if (out && (await finish())) {
    const classes = card.classNames.map((name, k) => ({ index: k, name, colour: hex(palette, k) }));
    await writeJsonAtomically(join(out, 'classes.json'), classes);
    log(`wrote ${files.length} overlays, labels/ and classes.json to ${out}`);
  }
  return { model: weights, predictions: all };
}

const write = async (file: string, png: Uint8Array): Promise<void> => {
  await writeAtomically(file, png);
};

/** The classes of an image, the largest first. */
function sharesOf({ labels }: Segmentation, classNames: readonly string[]): readonly Share[] {
  const counts = new Uint32Array(classNames.length);
  for (const label of labels) counts[label]++;
  return classNames
    .map((name, classIndex) => ({ classIndex, name, share: counts[classIndex] / labels.length }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}

/** Per cent; a class that is there is not shown as 0.0. */
export const shareText = (share: number, digits: number): string =>
  share > 0 && share < 0.001 ? '< 0.1' : (100 * share).toFixed(digits);

function overlay(
  image: RgbImage,
  { width, height, labels }: Segmentation,
  shares: readonly Share[],
  palette: Uint8Array,
): RgbImage {
  const colour = (k: number): Rgb => [palette[3 * k], palette[3 * k + 1], palette[3 * k + 2]];
  const blended = blendLabels(image, { width, height, data: labels }, colour);
  const entries = shares.map(({ classIndex, name, share }) => ({
    colour: colour(classIndex),
    text: `${name} ${shareText(share, share < 0.01 ? 1 : 0)} %`,
  }));
  return appendLegend(blended, entries);
}

const hex = (palette: Uint8Array, k: number): string =>
  `#${Buffer.from(palette.subarray(3 * k, 3 * k + 3)).toString('hex')}`;
