import { sum, matrixRows } from '../../core/statistics.js';
import { basename } from 'node:path';
import { alignSegmentation } from '../../datasets/align-classes.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import { loadPair } from '../../datasets/segmentation-pair.js';
import type { SemanticResult } from '../../evaluation/semantic/evaluator.js';
import { semanticMetrics } from '../../evaluation/semantic/metrics.js';
import { scaledFor } from '../../inference/decoding.js';
import type { SegmenterModel } from '../../inference/model.js';
import type { ReportBars, RunEvaluation } from '../../report/evaluation-document.js';
import { examplePictures, scopeOf, type Scored } from '../../report/examples.js';
import { percentWithSign } from '../../report/format.js';
import { seenScope } from '../../report/verdict.js';
import type { ReportSections, SectionsRequest } from '../report-sections.js';
import { findData } from '../tasks/find-data.js';
import { drawSegmentation, PANELS } from './drawing.js';
import { evaluateSegmenter } from './evaluate.js';
import { segmenterVerdict } from './verdict.js';

/** An image with its predicted labels. */
interface SegmentedImage {
  readonly index: number;
  readonly predicted: Uint8Array;
  readonly mIoU: number;
}

/** Creates the sections of a segmenter: scores, mistakes and examples. */
export async function segmenterSections(
  model: SegmenterModel,
  { data: path, folder, limit, ...options }: SectionsRequest,
): Promise<ReportSections> {
  const { classNames } = model;
  const { hasValidation, load } = await findData('segmentation', path, options);
  const all = alignSegmentation(await load(hasValidation ? 'val' : 'train'), classNames).set;
  const set = { ...all, samples: all.samples.slice(0, limit) };
  const scored: Scored<SegmentedImage>[] = [];
  let index = 0;
  const result = await evaluateSegmenter(model, set, {
    onResult: (_file, { labels }, { areas }) => {
      const { mIoU } = semanticMetrics(areas);
      const item = { index: index++, predicted: labels, mIoU };
      if (Number.isFinite(mIoU)) scored.push({ item, score: mIoU });
    },
  });
  const { aAcc, mIoU, mAcc, fwIoU, mFscore } = result;
  return {
    scope: scopeOf(
      set.samples.length,
      all.samples.length,
      hasValidation ? 'validation' : 'training',
    ),
    verdict: segmenterVerdict(result, classNames, seenScope(set.samples.length, hasValidation)),
    metrics: { mIoU, mAcc, aAcc, fwIoU, mFscore, count: set.samples.length },
    tables: [perClass(result, classNames)],
    charts: [],
    bars: [iouBars(result, classNames)],
    confusion: [confusion(result, classNames)],
    pictures: await examples(scored, set, model.card, folder),
    data: [pixelBars(result, classNames)],
  };
}

const rounded = (fraction: number): number | null =>
  Number.isFinite(fraction) ? Number((100 * fraction).toFixed(1)) : null;

function perClass(
  { perClass: rows, areas }: SemanticResult,
  names: readonly string[],
): RunEvaluation['tables'][number] {
  return {
    title: 'Every class, %',
    columns: ['class', 'pixels', 'IoU', 'accuracy', 'precision', 'F1'],
    rows: rows.map(({ IoU, Acc, Precision, Fscore }, k) => [
      names[k],
      areas.labeled[k],
      ...[IoU, Acc, Precision, Fscore].map(rounded),
    ]),
  };
}

function iouBars({ perClass: rows }: SemanticResult, names: readonly string[]): ReportBars {
  const bars = rows
    .map(({ IoU }, k) => ({ name: names[k], value: IoU, text: percentWithSign(IoU) }))
    .filter(({ value }) => Number.isFinite(value))
    .sort((a, b) => b.value - a.value);
  return { title: 'Intersection over union', full: 1, bars };
}

function confusion(
  { confusion: counts }: SemanticResult,
  names: readonly string[],
): RunEvaluation['confusion'][number] {
  return {
    title: 'Confusion matrix, pixels',
    rowTitle: 'true class',
    columnTitle: 'predicted class',
    rows: names,
    columns: names,
    counts: matrixRows(counts, names.length),
  };
}

function pixelBars({ areas }: SemanticResult, names: readonly string[]): ReportBars {
  const total = sum(areas.labeled);
  return {
    title: 'Pixels a class, evaluated images',
    bars: names.map((name, k) => ({
      name,
      value: areas.labeled[k],
      text: percentWithSign(areas.labeled[k] / total),
    })),
  };
}

function examples(
  scored: readonly Scored<SegmentedImage>[],
  set: SegmentationSet,
  card: SegmenterModel['card'],
  folder: string,
): Promise<RunEvaluation['pictures']> {
  const layout = { size: 'wide', notes: { Worst: PANELS, Best: PANELS } } as const;
  return examplePictures(folder, scored, layout, async ({ index, predicted, mIoU }) => {
    const sample = set.samples[index];
    const { file } = sample;
    const { image, labels: groundTruth } = await loadPair(scaledFor(card, sample), set.mapping);
    const { width, height } = image;
    const predictions = { width, height, data: predicted };
    return {
      picture: drawSegmentation(image, { groundTruth, predictions }, card),
      caption: `${basename(file)}: mean IoU ${percentWithSign(mIoU)}`,
    };
  });
}
