import { basename } from 'node:path';
import { evaluationSamples, trainingSamples } from '../../datasets/coco/samples.js';
import type { CocoSet } from '../../datasets/coco/set.js';
import { firstImages } from '../../datasets/coco/set.js';
import { groundTruthDomain, groundTruthObjects } from '../../datasets/coco/ground-truth.js';
import { decodeImage } from '../../io/image/decode.js';
import type { DetectionSample } from '../../datasets/sample.js';
import { loadDetectionSplit } from '../../datasets/layout/load.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import type { Engine } from '../../engine/runtime/engine.js';
import { DataError } from '../../core/errors.js';
import { detectionConfusion } from '../../evaluation/coco/detection-confusion.js';
import { ERROR_KINDS, errorBreakdown } from '../../evaluation/coco/error-breakdown.js';
import type { CocoResult } from '../../evaluation/coco/evaluator.js';
import { matchImages } from '../../evaluation/coco/match-images.js';
import type { CocoDetections, CocoGroundTruth } from '../../evaluation/coco/objects.js';
import { CocoDetectionsBuilder, CocoGroundTruthBuilder } from '../../evaluation/coco/objects.js';
import { thresholdCurves } from '../../evaluation/coco/threshold-curves.js';
import type { Prediction } from '../../models/detector-predictor.js';
import { DetectorPredictor } from '../../models/detector-predictor.js';
import type { ReportBars, ReportChart, RunEvaluation } from '../../report/evaluation-document.js';
import { drawDetections } from '../../report/overlay/detections.js';
import { besideEachOther } from '../../report/overlay/panels.js';
import { PICTURES, savePicture } from '../../report/save-picture.js';
import { drawnFound, drawnTruth, SHOWN_SCORE } from '../../train/detect/drawing.js';
import { detectionMetrics, evaluateDetector } from '../../train/detect/evaluate.js';
import { predictedBox } from '../../train/detect/results.js';
import { detectorViews, openDetector } from '../model/detector.js';
import type { LocatedModel } from '../model/locate.js';
import { bestAndWorst, percent, scopeOf, type Scored } from './examples.js';
import type { Findings, FindingsRequest } from './request.js';

/** An image with what was found in it. */
interface Answer {
  readonly sample: DetectionSample;
  readonly found: Prediction;
}

const AT = { iouType: 'bbox', iouThreshold: 0.5 } as const;

/** Scores, mistakes and examples of a detector. */
export async function examineDetector(
  engine: Engine,
  located: LocatedModel,
  { data: path, seed, valFraction, folder, limit, ema }: FindingsRequest,
): Promise<Findings> {
  const { card, model, store } = await openDetector(located, { ema });
  const data = await detectLayout(path, { valFraction, seed });
  if (data.kind !== 'detection')
    throw new DataError(
      `${path}: expected images with COCO annotations, got a set for ${data.kind}`,
    );
  const training = await loadDetectionSplit(data, 'train');
  const hasValidation = data.splitRule !== undefined || 'val' in data.splits;
  const all = hasValidation ? await loadDetectionSplit(data, 'val') : training;
  const total = evaluationSamples(all).length;
  const set = total > limit ? firstImages(all, limit) : all;
  const { thresholds, classNames } = card;
  const predictor = new DetectorPredictor({ engine, model, store, thresholds });
  const answers: Answer[] = [];
  try {
    const scores = await evaluateDetector(
      (image) => predictor.predictViews(detectorViews(image, card, false)),
      set,
      {
        classNames,
        masks: model.config.masks !== null,
        limits: card.limits,
        onPrediction: (sample, found) => void answers.push({ sample, found }),
      },
    );
    const truth = boxTruth(set);
    const detections = boxDetections(answers, set.classes.categoryIds);
    const names = new Map(set.classes.categoryIds.map((id, k) => [id, classNames[k]]));
    const results = { bbox: scores.bbox, ...(scores.segm ? { segm: scores.segm } : {}) };
    return {
      scope: scopeOf(Math.min(total, limit), total, hasValidation ? 'validation' : 'training'),
      metrics: detectionMetrics(scores),
      tables: Object.entries(results).map(([kind, result]) => perCategory(kind, result, names)),
      charts: Object.entries(results).flatMap(([kind, result]) => curves(kind, result, names)),
      bars: errors(truth, detections),
      confusion: [confusion(truth, detections, names)],
      pictures: await examples(answers, { truth, detections, classNames, folder }),
      data: statistics(training, set),
    };
  } finally {
    await predictor.release();
  }
}

function boxTruth(set: CocoSet): CocoGroundTruth {
  const builder = new CocoGroundTruthBuilder(groundTruthDomain(set));
  for (const object of groundTruthObjects(set, { masks: false })) builder.add(object);
  return builder.build();
}

function boxDetections(answers: readonly Answer[], categoryIds: readonly number[]): CocoDetections {
  const builder = new CocoDetectionsBuilder();
  for (const { sample, found } of answers)
    found.scores.forEach((score, d) =>
      builder.add({
        imageId: sample.imageId,
        categoryId: categoryIds[found.classIndices[d]],
        score,
        box: predictedBox(found, d),
      }),
    );
  return builder.build();
}

const KINDS: Readonly<Record<string, string>> = { bbox: 'boxes', segm: 'masks' };

function perCategory(
  kind: string,
  { perCategory: rows }: CocoResult,
  names: ReadonlyMap<number, string>,
): RunEvaluation['tables'][number] {
  const value = (share: number): number | null =>
    share < 0 ? null : Number((100 * share).toFixed(1));
  return {
    title: `Every category, ${KINDS[kind]}, %`,
    columns: ['category', 'AP', 'AP50', 'AP75', 'AR', 'AP small', 'AP medium', 'AP large'],
    rows: rows.map(({ categoryId, AP, AP50, AP75, AR, APbyArea }) => [
      names.get(categoryId) ?? String(categoryId),
      ...[AP, AP50, AP75, AR, ...APbyArea.slice(1)].map(value),
    ]),
  };
}

/** Categories with a curve of their own. */
const MOST_CURVES = 8;

function curves(
  kind: string,
  result: CocoResult,
  names: ReadonlyMap<number, string>,
): readonly ReportChart[] {
  const all = thresholdCurves(result, 0.5);
  const shown = all.slice(0, MOST_CURVES);
  const name = ({ categoryId }: { readonly categoryId: number }): string =>
    names.get(categoryId) ?? String(categoryId);
  const note =
    all.length > MOST_CURVES
      ? { note: `the first ${MOST_CURVES} of ${all.length} categories` }
      : {};
  return [
    {
      title: `Precision and recall, ${KINDS[kind]}`,
      xLabel: 'recall',
      yLabel: 'precision at IoU 0.5',
      xRange: [0, 1],
      yRange: [0, 1.02],
      series: shown.map((curve) => ({
        name: name(curve),
        points: Array.from(curve.recall, (recall, i) => [recall, curve.precision[i]] as const),
      })),
      ...note,
    },
    {
      title: `F1 by least score, ${KINDS[kind]}`,
      xLabel: 'detections from this score on',
      yLabel: 'F1 at IoU 0.5',
      xRange: [0, 1],
      yRange: [0, 1.02],
      series: shown.map((curve) => ({
        name: name(curve),
        points: Array.from(curve.scores, (score, i) => [score, curve.f1[i]] as const),
      })),
      ...note,
    },
  ];
}

const ERRORS: Readonly<Record<(typeof ERROR_KINDS)[number], string>> = {
  localisation: 'right category, box too far off',
  classification: 'right box, wrong category',
  duplicate: 'object found twice',
  background: 'nothing there',
  both: 'wrong category and box too far off',
  missed: 'object not found',
};

function errors(truth: CocoGroundTruth, detections: CocoDetections): readonly ReportBars[] {
  const { AP, gains, counts } = errorBreakdown(truth, detections, AT);
  return [
    {
      title: 'What costs AP50 of boxes',
      note: `AP50 is ${percent(AP)}; bars say how much it would gain if all errors of one kind were put right`,
      bars: ERROR_KINDS.map((kind) => ({
        name: ERRORS[kind],
        value: gains[kind],
        text: `+${percent(gains[kind])} · ${counts[kind]} times`,
      })),
    },
  ];
}

function confusion(
  truth: CocoGroundTruth,
  detections: CocoDetections,
  names: ReadonlyMap<number, string>,
): RunEvaluation['confusion'][number] {
  const { categoryIds, counts } = detectionConfusion(truth, detections, {
    ...AT,
    minScore: SHOWN_SCORE,
  });
  const size = categoryIds.length + 1;
  const labels = categoryIds.map((id) => names.get(id) ?? String(id));
  return {
    title: 'Confusion matrix',
    note: `boxes from score ${SHOWN_SCORE} on that overlap by IoU 0.5 or more; in the last row detections of nothing, in the last column objects that were missed`,
    rowTitle: 'true category',
    columnTitle: 'detected category',
    rows: [...labels, 'nothing'],
    columns: [...labels, 'missed'],
    counts: Array.from({ length: size }, (_, row) => [
      ...counts.subarray(row * size, (row + 1) * size),
    ]),
  };
}

interface ExampleOptions {
  readonly truth: CocoGroundTruth;
  readonly detections: CocoDetections;
  readonly classNames: readonly string[];
  readonly folder: string;
}

async function examples(
  answers: readonly Answer[],
  { truth, detections, classNames, folder }: ExampleOptions,
): Promise<RunEvaluation['pictures']> {
  const scores = new Map<number, number>();
  matchImages(truth, detections, { ...AT, minScore: SHOWN_SCORE }, ({ imageId, found, gts }) => {
    const right = found.filter((g) => g >= 0).length;
    scores.set(imageId, (2 * right) / Math.max(1, found.length + gts.length));
  });
  const scored = answers
    .filter(({ sample }) => scores.has(sample.imageId))
    .map((answer): Scored<Answer> => ({
      item: answer,
      score: scores.get(answer.sample.imageId) ?? 0,
    }));
  const { best, worst } = bestAndWorst(scored);
  const row = async (
    kind: string,
    some: readonly Answer[],
  ): Promise<RunEvaluation['pictures'][number]['items']> => {
    const items: { file: string; caption: string }[] = [];
    for (const [i, { sample, found }] of some.entries()) {
      const image = await decodeImage(sample.file);
      const sides = [drawnTruth(sample, classNames), drawnFound(found, classNames)];
      const picture = besideEachOther(sides.map((side) => drawDetections(image, side)));
      const [real, shown] = sides.map(({ length }) => length);
      const f1 = percent(scores.get(sample.imageId) ?? 0);
      items.push({
        file: await savePicture(folder, `${PICTURES}/${kind}-${i + 1}.jpg`, picture),
        caption: `${basename(sample.file)}: ${real} annotated (left), ${shown} detected (right); F1 ${f1}`,
      });
    }
    return items;
  };
  const note = `left the annotations, right the detections from score ${SHOWN_SCORE} on`;
  return [
    { title: 'Worst', size: 'wide', note, items: await row('worst', worst) },
    { title: 'Best', size: 'wide', note, items: await row('best', best) },
  ];
}

function statistics(training: CocoSet, evaluated: CocoSet): RunEvaluation['data'] {
  const bars = (title: string, set: CocoSet, images: number): ReportBars => {
    const counts = new Array<number>(set.classes.names.length).fill(0);
    let total = 0;
    for (const k of set.classIndices) {
      if (k < 0) continue;
      counts[k]++;
      total++;
    }
    return {
      title,
      note: `${total} objects in ${images} images`,
      bars: set.classes.names.map((name, k) => ({
        name,
        value: counts[k],
        text: String(counts[k]),
      })),
    };
  };
  return [
    bars('Objects a category, training', training, trainingSamples(training).length),
    bars('Objects a category, evaluated', evaluated, evaluationSamples(evaluated).length),
  ];
}
