import { join } from 'node:path';
import type { SegmentResult } from '../../core/results.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import type { SemanticResult } from '../../evaluation/semantic/evaluator.js';
import { definedMean } from '../../evaluation/semantic/metrics.js';
import type { SegmenterModel } from '../../inference/model.js';
import { assertApart } from '../../io/files/apart.js';
import { makeFolder, writeAtomically, writeJsonAtomically } from '../../io/files/atomic.js';
import { encodeIndexedPng } from '../../io/png/indexed.js';
import { pngNames } from '../../io/png/names.js';
import { finiteOrNull, percent } from '../../report/format.js';
import { numOwn } from '../distributed/evaluation.js';
import { NO_SCORES, reportEmptyShard, shardWork } from '../distributed/sharded-work.js';
import {
  headlineOf,
  tellingProgress,
  type EvaluationOptions,
  type EvaluationReport,
  type SegmentationScores,
} from '../evaluation.js';
import { evaluateSegmenter } from './evaluate.js';
import { paletteOf } from './palette.js';
import { setToScore } from './set-to-score.js';

/**
 * Computes accuracy and intersection over union of a segmenter like mmsegmentation. With `out` also label PNGs (which
 * `score ade20k` takes) and `scores.json`.
 *
 * @param data path of images and label maps, or set
 * @throws DataError, ConfigError
 */
export async function scoreSegmenter(
  model: SegmenterModel,
  data: string | SegmentationSet,
  options: EvaluationOptions,
): Promise<EvaluationReport<SegmentationScores>> {
  const { limit, out, split = 'val', onNotice } = options;
  const { shard, finish } = shardWork(options);
  const { classNames } = model;
  const set = await setToScore(model, data, options);
  const total = Math.min(set.samples.length, limit ?? Infinity);
  reportEmptyShard(shard, shard ? numOwn(total, shard) : total, onNotice);
  const start = performance.now();
  const scores = await evaluateSegmenter(model, set, {
    limit,
    shard,
    onImage: tellingProgress(onNotice),
    onResult: out === undefined ? undefined : labelWriter(out, set, model.card),
  });
  const seconds = (performance.now() - start) / 1000;
  const { aAcc, mIoU, mAcc, numImages } = scores;
  const document = {
    model: model.file,
    data: typeof data === 'string' ? data : set.source,
    split,
    tta: model.options.tta ?? false,
    slide: model.options.slide ?? false,
    tile: model.options.tile ?? null,
    ratios: model.options.tta ? (model.options.ratios ?? model.card.ratios) : [1],
    average: model.options.ema ? ('ema' as const) : ('none' as const),
    count: numImages,
    aAcc,
    mIoU,
    mAcc,
    ...ofLabeledClasses(scores),
    perClass: scores.perClass.map(({ IoU, Acc }, k) => ({
      name: classNames[k],
      IoU: finiteOrNull(IoU),
      Acc: finiteOrNull(Acc),
      pixels: scores.areas.labeled[k],
    })),
    seconds,
    imagesPerSecond: numImages / seconds,
  };
  if (out && (await finish())) {
    await writeJsonAtomically(join(out, 'scores.json'), document);
    onNotice?.(`wrote ${numImages} label maps and scores.json to ${out}`);
  }
  const names = options.perCategory ? classNames : [];
  return {
    document,
    headline: headlineOf('mIoU', mIoU, { images: numImages }),
    table: numImages === 0 ? NO_SCORES : tableOf(scores, names),
  };
}

function labelWriter(
  out: string,
  { samples }: SegmentationSet,
  card: SegmenterModel['card'],
): (file: string, result: SegmentResult) => Promise<void> {
  const files = samples.map(({ file }) => file);
  const names = new Map(pngNames(files).map((name, i) => [files[i], name]));
  const inputs = samples.flatMap(({ file, labelFile }) => [file, labelFile]);
  const outputs = [...names.values(), 'scores.json'].map((name) => join(out, name));
  assertApart(`--out ${out}`, outputs, inputs);
  makeFolder(out);
  const palette = paletteOf(card);
  return async (file, { width, height, labels }) => {
    const png = encodeIndexedPng({ width, height, data: labels }, palette);
    await writeAtomically(join(out, names.get(file) as string), png);
  };
}

/** Mean over the classes that occur in the labels; classes that are only predicted count in mIoU, not here. */
function ofLabeledClasses({ perClass, areas }: SemanticResult): {
  readonly labelledClasses: number;
  readonly mIoUOfLabelled: number;
} {
  const labeled = perClass.filter((_, k) => areas.labeled[k] > 0);
  return {
    labelledClasses: labeled.length,
    mIoUOfLabelled: definedMean(labeled.map(({ IoU }) => IoU)),
  };
}

/** Formats the scores in percent and, given names, those of every class that occurs. */
function tableOf(scores: SemanticResult, names: readonly string[]): EvaluationReport['table'] {
  const { labelledClasses, mIoUOfLabelled } = ofLabeledClasses(scores);
  const { aAcc, mIoU, mAcc, numImages, perClass, areas } = scores;
  return [
    ['%', 'IoU', 'Acc', 'pixels'],
    [`all pixels of ${numImages} images`, '', percent(aAcc, 2), ''],
    ['mean of classes labeled or predicted', percent(mIoU, 2), percent(mAcc, 2), ''],
    [`mean of the ${labelledClasses} classes labeled`, percent(mIoUOfLabelled, 2), '', ''],
    ...names.flatMap((name, k) => {
      const { IoU, Acc } = perClass[k];
      return Number.isNaN(IoU) ? [] : [[name, percent(IoU, 2), percent(Acc, 2), areas.labeled[k]]];
    }),
  ];
}
