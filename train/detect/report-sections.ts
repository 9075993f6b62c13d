import { alignDetection } from '../../datasets/align-classes.js';
import { evaluationSamples, rowsOf, trainingSamples } from '../../datasets/coco/samples.js';
import { firstImages, type CocoSet } from '../../datasets/coco/set.js';
import {
  ERROR_KINDS,
  errorBreakdown,
  type ErrorBreakdown,
} from '../../evaluation/coco/error-breakdown.js';
import type { CocoResult } from '../../evaluation/coco/evaluator.js';
import { thresholdCurves } from '../../evaluation/coco/threshold-curves.js';
import { shownScores } from '../../inference/detect/shown-scores.js';
import type { DetectorModel } from '../../inference/model.js';
import type { ReportBars, ReportChart, RunEvaluation } from '../../report/evaluation-document.js';
import { scopeOf } from '../../report/examples.js';
import { percentWithSign } from '../../report/format.js';
import { scoreVerdict, seenScope } from '../../report/verdict.js';
import { countBars, type ReportSections, type SectionsRequest } from '../report-sections.js';
import { findData } from '../tasks/find-data.js';
import type { DetectedImage } from './drawing.js';
import { boxDetections, costliestError, ERROR_NAMES } from './error-costs.js';
import { cardScores } from './card-scores.js';
import { confusionSection } from './confusion.js';
import { cocoGroundTruth, detectionMetrics, evaluateDetector } from './evaluate.js';
import { AT, asPredicted, detectionExamples } from './report-pictures.js';

/** Creates the sections of a detector: scores, mistakes and examples. */
export async function detectorSections(
  model: DetectorModel,
  { data: path, folder, limit, ...options }: SectionsRequest,
): Promise<ReportSections> {
  const { classNames } = model;
  const { hasValidation, load } = await findData('detection', path, options);
  const training = await load('train');
  const held = hasValidation ? await load('val') : training;
  const all = alignDetection(held, classNames).set;
  const total = evaluationSamples(all).length;
  const set = total > limit ? firstImages(all, limit) : all;
  const answers: DetectedImage[] = [];
  const scores = await evaluateDetector(model, set, {
    onResult: (sample, result) => void answers.push({ sample, result }),
  });
  const groundTruth = cocoGroundTruth(set, false);
  const detections = boxDetections(answers, set.classes.categoryIds);
  const bestScores = cardScores(scores, set.classes.categoryIds);
  const shown = shownScores({ bestScores }, undefined);
  const seen = answers.map((answer) => asPredicted(answer, shown));
  const names = new Map(set.classes.categoryIds.map((id, k) => [id, classNames[k]]));
  const breakdown = errorBreakdown(groundTruth, detections, AT);
  const results = { bbox: scores.bbox, ...(scores.segm && { segm: scores.segm }) };
  return {
    scope: scopeOf(Math.min(total, limit), total, hasValidation ? 'validation' : 'training'),
    verdict: verdictOn(breakdown, seenScope(Math.min(total, limit), hasValidation)),
    metrics: detectionMetrics(scores),
    tables: Object.entries(results).map(([kind, result]) => perCategory(kind, result, names)),
    charts: Object.entries(results).flatMap(([kind, result]) => curves(kind, result, names)),
    bars: errors(breakdown),
    confusion: [
      confusionSection(groundTruth, boxDetections(seen, set.classes.categoryIds), names, shown),
    ],
    pictures: await detectionExamples(seen, {
      groundTruth,
      classNames,
      categoryIds: set.classes.categoryIds,
      folder,
      shown,
    }),
    data: statistics(training, set),
  };
}

const KINDS: Readonly<Record<string, string>> = { bbox: 'boxes', segm: 'masks' };

function perCategory(
  kind: string,
  { perCategory: rows }: CocoResult,
  names: ReadonlyMap<number, string>,
): RunEvaluation['tables'][number] {
  const value = (fraction: number): number | null =>
    fraction < 0 ? null : Number((100 * fraction).toFixed(1));
  return {
    title: `Every category, ${KINDS[kind]}, %`,
    columns: ['category', 'AP', 'AP50', 'AP75', 'AR', 'AP small', 'AP medium', 'AP large'],
    rows: rows.map(({ categoryId, AP, AP50, AP75, AR, APbyArea }) => [
      names.get(categoryId) ?? String(categoryId),
      ...[AP, AP50, AP75, AR, ...APbyArea.slice(1)].map(value),
    ]),
  };
}

type Curve = ReturnType<typeof thresholdCurves>[number];

/** Number of categories with a separate curve. */
const MOST_CURVES = 8;

function curves(
  kind: string,
  result: CocoResult,
  names: ReadonlyMap<number, string>,
): readonly ReportChart[] {
  const all = thresholdCurves(result, 0.5);
  const chart = (
    labels: Pick<ReportChart, 'title' | 'xLabel' | 'yLabel' | 'xRange'>,
    pointsOf: (curve: Curve) => ReportChart['series'][number]['points'],
  ): ReportChart => ({
    ...labels,
    yRange: [0, 102],
    series: all.slice(0, MOST_CURVES).map((curve) => ({
      name: names.get(curve.categoryId) ?? String(curve.categoryId),
      points: pointsOf(curve),
    })),
    ...(all.length > MOST_CURVES && {
      note: `the first ${MOST_CURVES} of ${all.length} categories`,
    }),
  });
  const title = `Precision and recall, ${KINDS[kind]}`;
  const f1Title = `F1 by least score, ${KINDS[kind]}`;
  return [
    chart(
      { title, xLabel: 'recall, %', yLabel: 'precision at IoU 0.5, %', xRange: [0, 100] },
      ({ recall, precision }) =>
        Array.from(recall, (value, i) => [100 * value, 100 * precision[i]] as const),
    ),
    chart(
      {
        title: f1Title,
        xLabel: 'detections from this score on',
        yLabel: 'F1 at IoU 0.5, %',
        xRange: [0, 1],
      },
      ({ scores, f1 }) => Array.from(scores, (value, i) => [value, 100 * f1[i]] as const),
    ),
  ];
}

function verdictOn(breakdown: ErrorBreakdown, scope: string): string {
  const { AP } = breakdown;
  if (!Number.isFinite(AP)) return `no score: nothing is annotated in ${scope}`;
  const score = `AP50 of boxes ${percentWithSign(AP)}`;
  return scoreVerdict({ score, scope, ...costliestError(breakdown) });
}

function errors({ AP, gains, counts }: ErrorBreakdown): readonly ReportBars[] {
  return [
    {
      title: 'What costs AP50 of boxes',
      note: `AP50 is ${percentWithSign(AP)}; bars say how much it would gain if all errors of one kind were put right`,
      bars: ERROR_KINDS.map((kind) => ({
        name: ERROR_NAMES[kind],
        value: gains[kind],
        text: `+${(100 * gains[kind]).toFixed(1)} points · ${counts[kind] === 1 ? 'once' : `${counts[kind]} times`}`,
      })),
    },
  ];
}

function statistics(training: CocoSet, evaluated: CocoSet): RunEvaluation['data'] {
  return [
    categoryBars('Objects per category, training', training, trainingSamples(training).length),
    categoryBars('Objects per category, evaluated', evaluated, evaluationSamples(evaluated).length),
  ];
}

/** Counts the objects in the images of a set, whose annotations may be those of other images, too. */
export function categoryBars(title: string, set: CocoSet, numImages: number): ReportBars {
  const rows = Array.from(set.images.ids, (_, i) => rowsOf(set, i)).flat();
  const objects = rows.map((row) => set.classIndices[row]).filter((k) => k >= 0);
  const note = `${objects.length} objects in ${numImages} images`;
  return { ...countBars(title, objects, set.classes.names), note };
}
