import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import { encodeIndexedPng } from '../../io/png/indexed.js';
import { loadSegmentationSplit } from '../../datasets/layout/load.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { openEngine } from '../../engine/runtime/engine.js';
import type { SemanticResult } from '../../evaluation/semantic/evaluator.js';
import { definedMean } from '../../evaluation/semantic/metrics.js';
import type { Segmentation } from '../../models/segmenter.js';
import { createSegmenterPredictor } from '../../models/segmenter.js';
import { numOwn } from '../../train/distributed/evaluation.js';
import { evaluateSegmenter } from '../../train/segment/evaluate.js';
import { writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import type { LocatedModel } from '../model/locate.js';
import { openSegmenter, paletteOf, viewing } from '../model/segmenter.js';
import { log } from '../output.js';
import { pngNames } from '../predict/names.js';
import { finiteOrNull, percent } from '../score/format.js';
import type { EvalReport, EvalRequest } from './request.js';
import { NO_SCORES, reportEmptyShare, shareOf } from '../share.js';

/**
 * Accuracy and intersection over union of a segmenter, as mmsegmentation counts them. `--slide` lays windows over each image, `--tta`
 * averages over the scales of the model's card and mirror images. With `--out` also label PNGs (which `score ade20k` takes) and `scores.json`.
 *
 * @throws ConfigError, DataError, WeightsError
 */
export async function evalSegment(
  located: LocatedModel,
  request: EvalRequest,
): Promise<EvalReport> {
  const { limit, out, split, tta = false, slide = false } = request;
  const { share, finish } = shareOf(request);
  const set = await segmentationData(request);
  const opened = await openSegmenter(located, request);
  const { card, file } = opened;
  assertSameClasses(file, card.classNames, set);
  const total = Math.min(set.samples.length, limit ?? Infinity);
  reportEmptyShare(share, share ? numOwn(total, share) : total);
  const engine = await openEngine(request.engine);
  log(engine.description);
  const predictor = createSegmenterPredictor({ engine, ...opened });
  const start = performance.now();
  try {
    const { ratios, mode } = viewing(card, { tta, slide });
    const scores = await evaluateSegmenter(predictor, set, {
      numClasses: card.classNames.length,
      pixels: card.pixels,
      limits: card.limits,
      ratios,
      mode,
      onImage: progress(start),
      ...(limit === undefined ? {} : { limit }),
      ...(share ? { share } : {}),
      ...(out ? { onSegmentation: labelWriter(out, set, card.classNames) } : {}),
    });
    const seconds = (performance.now() - start) / 1000;
    const { aAcc, mIoU, mAcc, numImages } = scores;
    const document = {
      model: file,
      data: request.data,
      split,
      tta,
      slide,
      count: numImages,
      aAcc,
      mIoU,
      mAcc,
      ...ofLabelledClasses(scores),
      perClass: scores.perClass.map(({ IoU, Acc }, k) => ({
        name: card.classNames[k],
        IoU: finiteOrNull(IoU),
        Acc: finiteOrNull(Acc),
        pixels: scores.areas.labelled[k],
      })),
      seconds,
      imagesPerSecond: numImages / seconds,
    };
    if (out && (await finish())) {
      await writeJsonAtomically(join(out, 'scores.json'), document);
      log(`wrote ${numImages} label maps and scores.json to ${out}`);
    }
    const names = request.perCategory ? card.classNames : [];
    return { document, table: numImages === 0 ? NO_SCORES : tableOf(scores, names) };
  } finally {
    await predictor.release();
  }
}

async function segmentationData({
  data: path,
  valFraction,
  seed,
  split,
}: EvalRequest): Promise<SegmentationSet> {
  const data = await detectLayout(path, { valFraction, seed });
  if (data.kind !== 'segmentation')
    throw new DataError(`${path}: expected images with label maps, got a set for ${data.kind}`);
  log(data.line);
  return loadSegmentationSplit(data, split);
}

/** Scores of other classes under the same numbers would mean nothing. */
function assertSameClasses(
  model: string,
  classNames: readonly string[],
  { classes, source }: SegmentationSet,
): void {
  if (classes.length !== classNames.length)
    throw new DataError(
      `${source}: expected the ${classNames.length} classes of ${model}, got ${classes.length}`,
      { file: source },
    );
  const other = classes.findIndex((name, k) => name !== classNames[k]);
  const isNamed = classNames.some((name, k) => name !== `class ${k}`);
  if (other >= 0 && isNamed)
    throw new DataError(
      `${source}: expected class ${other} to be ${classNames[other]} as in ${model}, got ${classes[other]}`,
      { file: source },
    );
}

function progress(start: number): (done: number, total: number) => void {
  return (done, total) => {
    if (Math.floor((10 * done) / total) === Math.floor((10 * (done - 1)) / total)) return;
    const rate = (1000 * done) / (performance.now() - start);
    log(`${done} of ${total} images, ${rate.toFixed(2)} images/s`);
  };
}

function labelWriter(
  out: string,
  { samples }: SegmentationSet,
  classNames: readonly string[],
): (file: string, found: Segmentation) => Promise<void> {
  mkdirSync(out, { recursive: true });
  const files = samples.map(({ file }) => file);
  const names = new Map(pngNames(files).map((name, i) => [files[i], name]));
  const palette = paletteOf(classNames);
  return async (file, { width, height, labels }) => {
    const png = encodeIndexedPng({ width, height, data: labels }, palette);
    await writeAtomically(join(out, names.get(file) as string), png);
  };
}

/** The mean over the classes that the labels have; one that is only predicted counts in mIoU, not here. */
function ofLabelledClasses({ perClass, areas }: SemanticResult): {
  readonly labelledClasses: number;
  readonly mIoUOfLabelled: number;
} {
  const labelled = perClass.filter((_, k) => areas.labelled[k] > 0);
  return {
    labelledClasses: labelled.length,
    mIoUOfLabelled: definedMean(labelled.map(({ IoU }) => IoU)),
  };
}

/** The scores in percent and, given names, those of every class that occurs. */
function tableOf(scores: SemanticResult, names: readonly string[]): EvalReport['table'] {
  const { labelledClasses, mIoUOfLabelled } = ofLabelledClasses(scores);
  const { aAcc, mIoU, mAcc, numImages, perClass, areas } = scores;
  return [
    ['%', 'IoU', 'Acc', 'pixels'],
    [`all pixels of ${numImages} images`, '', percent(aAcc, 2), ''],
    ['mean of classes labelled or predicted', percent(mIoU, 2), percent(mAcc, 2), ''],
    [`mean of the ${labelledClasses} classes labelled`, percent(mIoUOfLabelled, 2), '', ''],
    ...names.flatMap((name, k) => {
      const { IoU, Acc } = perClass[k];
      return Number.isNaN(IoU) ? [] : [[name, percent(IoU, 2), percent(Acc, 2), areas.labelled[k]]];
    }),
  ];
}
