import { sum } from '../../core/statistics.js';
import { basename } from 'node:path';
import { alignClassification } from '../../datasets/align-classes.js';
import { evenly } from '../../datasets/evenly.js';
import { hasHeldOut, readClassificationSplit } from '../../datasets/classification-split.js';
import { imageOf, type ClassificationSample } from '../../datasets/sample.js';
import type { Calibration } from '../../evaluation/classification/calibration.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import { precisionRecall } from '../../evaluation/classification/precision-recall.js';
import type { ClassifierModel } from '../../inference/model.js';
import type { ReportBars, ReportChart, RunEvaluation } from '../../report/evaluation-document.js';
import { examplePictures, scopeOf, type Scored } from '../../report/examples.js';
import { percentWithSign } from '../../report/format.js';
import { seenScope } from '../../report/verdict.js';
import { countBars, type ReportSections, type SectionsRequest } from '../report-sections.js';
import { countSamples } from './evaluate.js';
import { classifierVerdict } from './verdict.js';

/** Predictions for an image. */
interface PredictedImage {
  readonly sample: ClassificationSample;
  /** By class index. */
  readonly probabilities: Float64Array;
  readonly predicted: number;
}

/** Creates the sections of a classifier: scores, mistakes and examples. */
export async function classifierSections(
  model: ClassifierModel,
  { data, folder, limit, ...options }: SectionsRequest,
): Promise<ReportSections> {
  const { card } = model;
  const training = readClassificationSplit(data, { ...options, split: 'train' });
  const split = hasHeldOut(data, options) ? 'val' : 'train';
  const held =
    split === 'val'
      ? readClassificationSplit(data, { ...options, split, known: training.classes })
      : training;
  const { set } = alignClassification(held, card.classNames);
  // Evenly spaced over the whole set, because samples are sorted by class.
  const used = evenly(set.samples, limit);
  const evaluator = new ClassificationEvaluator(card.classNames.length);
  const images: PredictedImage[] = [];
  await countSamples(model, used, evaluator, {
    batchSize: 1, // as `predict`
    workers: 0,
    onPrediction: (index, { probabilities, classes }) => {
      const [{ classIndex: predicted }] = classes(1);
      images.push({ sample: used[index], probabilities: probabilities(), predicted });
    },
  });
  const result = evaluator.finish();
  const { calibration } = result;
  const scope =
    used.length === set.samples.length
      ? scopeOf(used.length, used.length, split)
      : `${used.length} of ${set.samples.length} ${split} images`;
  const counts = confusionCounts(images, card.classNames.length);
  return {
    scope,
    verdict: classifierVerdict(counts, card.classNames, seenScope(used.length, split === 'val')),
    metrics: {
      top1: result.top1,
      top5: result.top5,
      ...(calibration && { loss: calibration.meanNLL, calibrationError: calibration.ece }),
      count: used.length,
    },
    tables: [perClass(images, card.classNames)],
    charts: [
      ...curves(images, card.classNames),
      ...(calibration ? [reliability(calibration)] : []),
    ],
    bars: [mistakes(images, card.classNames)],
    confusion: [
      {
        title: 'Confusion matrix',
        rowTitle: 'true class',
        columnTitle: 'predicted class',
        rows: card.classNames,
        columns: card.classNames,
        counts,
      },
    ],
    pictures: await examples(images, card.classNames, folder),
    data: [
      countBars(
        'Training images per class',
        indicesOf(alignClassification(training, card.classNames).set.samples),
        card.classNames,
      ),
      countBars(`Evaluated images per class (${split})`, indicesOf(used), card.classNames),
    ],
  };
}

const indicesOf = (samples: readonly ClassificationSample[]): readonly number[] =>
  samples.map(({ classIndex }) => classIndex);

function confusionCounts(
  images: readonly PredictedImage[],
  classes: number,
): readonly (readonly number[])[] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { sample, predicted } of images) counts[sample.classIndex][predicted]++;
  return counts;
}

function perClass(
  images: readonly PredictedImage[],
  names: readonly string[],
): RunEvaluation['tables'][number] {
  const counts = confusionCounts(images, names.length);
  return {
    title: 'Scores of every class, %',
    columns: ['class', 'images', 'recall', 'precision', 'F1'],
    rows: names.map((name, k) => {
      const total = sum(counts[k]);
      const predicted = sum(counts.map((row) => row[k]));
      const rate = (part: number, whole: number): number | null =>
        whole > 0 ? Number(((100 * part) / whole).toFixed(1)) : null;
      const right = counts[k][k];
      return [
        name,
        total,
        rate(right, total),
        rate(right, predicted),
        rate(2 * right, total + predicted),
      ];
    }),
  };
}

/** Number of classes with a separate curve. */
const MOST_CURVES = 8;

function curves(
  images: readonly PredictedImage[],
  names: readonly string[],
): readonly ReportChart[] {
  const present = names
    .map((_, k) => k)
    .filter((k) => images.some(({ sample }) => sample.classIndex === k));
  return [
    {
      title: 'Precision and recall',
      xLabel: 'recall, %',
      yLabel: 'precision, one class against the others, %',
      xRange: [0, 100],
      yRange: [0, 102],
      series: present.slice(0, MOST_CURVES).map((k) => ({
        name: names[k],
        points: precisionRecall(
          images.map(({ probabilities }) => probabilities[k]),
          images.map(({ sample }) => sample.classIndex === k),
        ).map(([recall, precision]) => [100 * recall, 100 * precision] as const),
      })),
      ...(present.length > MOST_CURVES && {
        note: `the first ${MOST_CURVES} of ${present.length} classes`,
      }),
    },
  ];
}

function reliability({ bins }: Calibration): ReportChart {
  const filled = bins.filter(({ count }) => count > 0);
  return {
    title: 'Confidence',
    xLabel: 'probability of the predicted class, %',
    yLabel: 'right ones among them, %',
    xRange: [0, 100],
    yRange: [0, 102],
    series: [
      {
        name: 'model',
        points: filled.map(({ confidence, accuracy }) => [100 * confidence, 100 * accuracy]),
      },
      { name: 'ideal', points: [0, 100].map((value) => [value, value] as const) },
    ],
  };
}

function mistakes(images: readonly PredictedImage[], names: readonly string[]): ReportBars {
  const pairs = new Map<string, number>();
  for (const { sample, predicted } of images) {
    if (sample.classIndex === predicted) continue;
    const pair = `${names[sample.classIndex]} taken for ${names[predicted]}`;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  const wrong = sum([...pairs.values()]);
  return {
    title: 'Most frequent mistakes',
    note: `${wrong} of ${images.length} images are classified wrongly`,
    bars: [...pairs]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 10)
      .map(([name, value]) => ({
        name,
        value,
        text: `${value} (${percentWithSign(value / images.length)})`,
      })),
  };
}

function examples(
  images: readonly PredictedImage[],
  names: readonly string[],
  folder: string,
): Promise<RunEvaluation['pictures']> {
  const scored = images.map((image): Scored<PredictedImage> => ({
    item: image,
    score: image.probabilities[image.sample.classIndex],
  }));
  const notes = {
    Worst: 'the true class got the lowest probability',
    Best: 'the true class got the highest probability',
  };
  const layout = { size: 'small', notes } as const;
  return examplePictures(folder, scored, layout, async ({ sample, probabilities, predicted }) => {
    const [real, shown] = [sample.classIndex, predicted].map(
      (k) => `${names[k]} with ${percentWithSign(probabilities[k])}`,
    );
    const verdict =
      predicted === sample.classIndex ? `right: ${real}` : `${shown}; right would be ${real}`;
    const picture = await imageOf(sample);
    return { picture, caption: `${verdict} · ${basename(sample.file)}` };
  });
}
