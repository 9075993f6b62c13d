import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { decodeImage } from '../../io/image/decode.js';
import { encodeRgbPng } from '../../io/png/write.js';
import type { RgbImage } from '../../core/image.js';
import { openEngine } from '../../engine/runtime/engine.js';
import type { DetectorCard } from '../../models/detector-card.js';
import type { Prediction } from '../../models/detector-predictor.js';
import { DetectorPredictor } from '../../models/detector-predictor.js';
import { drawDetections } from '../../report/overlay/detections.js';
import { cocoResultRows, predictedBox } from '../../train/detect/results.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import { detectorViews, openDetector } from '../model/detector.js';
import type { LocatedModel } from '../model/locate.js';
import { formatTable, log } from '../output.js';
import type { Numbered } from '../share.js';
import { shareOf } from '../share.js';
import { pngNames } from './names.js';
import type { PredictRequest } from './request.js';

/** Rows of the table of one image; the files have all. */
const MOST_SHOWN = 20;

/**
 * Objects in each image: a table, and in `--out` an overlay per image, `results.json` in COCO's format, with the ids of
 * `images.json`, which lists images and classes as COCO's annotation files do.
 *
 * @throws DataError, WeightsError
 */
export async function predictDetect(
  located: LocatedModel,
  request: PredictRequest,
): Promise<object> {
  const { files, json, out, score, tta = false } = request;
  const { owns, gather, finish } = shareOf(request);
  const opened = await openDetector(located, request);
  const { card, file: weights, model, store } = opened;
  const engine = await openEngine(request.engine);
  log(engine.description);
  const { thresholds } = card;
  const predictor = new DetectorPredictor({ engine, model, store, thresholds });
  if (out) mkdirSync(out, { recursive: true });
  const names = pngNames(files);
  const images: Numbered<object>[] = [];
  const results: Numbered<object>[] = [];
  const predictions: Numbered<object>[] = [];
  for (const [i, file] of files.entries()) {
    if (!owns(i)) continue;
    const image = await decodeImage(file);
    const found = best(await predictor.predictViews(detectorViews(image, card, tta)), request.max);
    const { width, height } = image;
    images.push([i, { id: i + 1, file_name: basename(file), width, height }]);
    const rows = cocoResultRows(found, i + 1, card.categoryIds);
    results.push(...rows.map((row) => [i, row] as const));
    const shown = found.scores.filter((s) => s >= score).length;
    predictions.push([i, { file, width, height, detections: described(found, card, shown) }]);
    if (out) {
      const png = overlay(image, found, card, shown);
      await writeAtomically(join(out, names[i]), png);
    }
    if (!json) printTable(file, found, card, shown);
  }
  await predictor.release();
  const categories = card.classNames.map((name, k) => ({ id: card.categoryIds[k], name }));
  const all = {
    images: await gather('images', images),
    results: await gather('results', results),
    predictions: await gather('predictions', predictions),
  };
  if (out && (await finish())) {
    const listed = { images: all.images, categories, annotations: [] };
    await writeJsonAtomically(join(out, 'results.json'), all.results);
    await writeJsonAtomically(join(out, 'images.json'), listed);
    log(`wrote ${files.length} overlays, results.json and images.json to ${out}`);
  }
  return { model: weights, score, predictions: all.predictions };
}

/** The first detections, which are the best. */
function best(found: Prediction, max: number | undefined): Prediction {
  if (max === undefined || max >= found.scores.length) return found;
  return {
    boxes: found.boxes.slice(0, 4 * max),
    scores: found.scores.slice(0, max),
    classIndices: found.classIndices.slice(0, max),
    masks: found.masks.slice(0, max),
  };
}

function overlay(
  image: RgbImage,
  { boxes, scores, classIndices, masks }: Prediction,
  { classNames }: DetectorCard,
  shown: number,
): Uint8Array {
  const drawn = Array.from({ length: shown }, (_, d) => ({
    box: boxes.subarray(4 * d, 4 * d + 4),
    classIndex: classIndices[d],
    label: classNames[classIndices[d]],
    score: scores[d],
    ...(masks.length > 0 ? { mask: masks[d] } : {}),
  }));
  return encodeRgbPng(drawDetections(image, drawn));
}

function described(found: Prediction, { classNames }: DetectorCard, shown: number): object[] {
  return Array.from({ length: shown }, (_, d) => ({
    name: classNames[found.classIndices[d]],
    score: found.scores[d],
    bbox: predictedBox(found, d),
  }));
}

function printTable(
  file: string,
  found: Prediction,
  { classNames }: DetectorCard,
  shown: number,
): void {
  console.log(`${file}: ${shown} ${shown === 1 ? 'object' : 'objects'}`);
  if (shown === 0) return;
  const rows = Array.from({ length: Math.min(shown, MOST_SHOWN) }, (_, d) => [
    classNames[found.classIndices[d]],
    (100 * found.scores[d]).toFixed(1),
    ...predictedBox(found, d).map((value) => value.toFixed(0)),
  ]);
  console.log(formatTable([['class', 'score %', 'x', 'y', 'width', 'height'], ...rows]));
  if (shown > MOST_SHOWN) console.log(`… and ${shown - MOST_SHOWN} more`);
}
