import { DataError, OptionError } from '../core/errors.js';
import {
  compareByBootstrap,
  type ComparedMetrics,
  type ResampledMetrics,
} from '../evaluation/bootstrap.js';
import { ClassificationEvaluator } from '../evaluation/classification/evaluator.js';
import { labelRank } from '../evaluation/classification/top-k.js';
import { resampledAp } from '../evaluation/coco/resampled-ap.js';
import { semanticMetrics, type ClassAreas } from '../evaluation/semantic/metrics.js';
import { alignClassification } from '../datasets/align-classes.js';
import { readClassificationSplit } from '../datasets/classification-split.js';
import type {
  ClassifierModel,
  DetectorModel,
  ImageModel,
  PredictTask,
  SegmenterModel,
} from '../inference/model.js';
import { countSamples, samplesToScore } from './classify/evaluate.js';
import { evaluatedSet } from './detect/evaluated-set.js';
import { evaluateDetector } from './detect/evaluate.js';
import { assertUsed } from './evaluate.js';
import { tellingProgress, type EvaluationOptions } from './evaluation.js';
import { evaluateSegmenter } from './segment/evaluate.js';
import { setToScore } from './segment/set-to-score.js';

/** Options of {@link compareModels}. */
export interface CompareOptions extends EvaluationOptions {
  /** Number of draws of the bootstrap. */
  readonly samples: number;
  /** Seed of the draws. */
  readonly drawSeed: number;
}

/** Scores of models on the same images. */
export interface ComparedScores {
  readonly task: PredictTask;
  readonly numImages: number;
  /** Name of the metric of the verdict. */
  readonly main: string;
  readonly samples: number;
  readonly seed: number;
  readonly models: readonly ComparedMetrics[];
}

/** Metrics of a model as functions of the drawn images, and names of the images. */
interface ImageScores {
  readonly metrics: ResampledMetrics;
  readonly images: readonly string[];
}

/** Metric of the verdict by task. */
const MAIN: Readonly<Record<PredictTask, string>> = {
  classify: 'top1',
  detect: 'bbox_AP',
  segment: 'mIoU',
};

/**
 * Evaluates models of one task on the same images, and compares them by a paired bootstrap over the images.
 *
 * @param models opens a model and returns what is to be done with it; models are open one at a time
 * @throws DataError, ConfigError as the evaluation; OptionError for models of different tasks
 */
export async function compareModels(
  models: readonly (() => Promise<ImageModel>)[],
  data: string,
  options: CompareOptions,
): Promise<ComparedScores> {
  const scores: ImageScores[] = [];
  let task: PredictTask | undefined;
  for (const open of models) {
    const model = await open();
    try {
      assertUsed(model.task, data, options);
      task ??= model.task;
      if (model.task !== task)
        throw new OptionError(
          `compare: expected models of one task, got ${model.file ?? 'a model'} for ${model.task} beside one for ${task}`,
        );
      scores.push(await scoresOf(model, data, options));
    } finally {
      await model.release();
    }
  }
  if (task === undefined) throw new OptionError('compare: expected models, got none');
  const [{ images }] = scores;
  for (const each of scores)
    if (each.images.join('\n') !== images.join('\n'))
      throw new DataError(`${data}: expected the same images for all models, got others`);
  const { samples, drawSeed: seed } = options;
  const compared = compareByBootstrap(
    images.length,
    scores.map(({ metrics }) => metrics),
    { samples, seed },
  );
  return { task, numImages: images.length, main: MAIN[task], samples, seed, models: compared };
}

/** Scores a model on every image of a data set. */
type Scoring<Model> = (
  model: Model,
  data: string,
  options: EvaluationOptions,
) => Promise<ImageScores>;

const scoresOf: Scoring<ImageModel> = (model, data, options) => {
  switch (model.task) {
    case 'classify':
      return classifierScores(model, data, options);
    case 'detect':
      return detectorScores(model, data, options);
    case 'segment':
      return segmenterScores(model, data, options);
    default:
      return model satisfies never;
  }
};

const detectorScores: Scoring<DetectorModel> = async (model, data, options) => {
  const set = await evaluatedSet(model, data, options);
  const { bbox, segm } = await evaluateDetector(model, set, {
    onImage: tellingProgress(options.onNotice),
  });
  const kinds = Object.entries({ bbox, ...(segm && { segm }) });
  const functions = kinds.map(([kind, result]) => [kind, resampledAp(result)] as const);
  return {
    images: Array.from(bbox.grid.imageIds, String),
    metrics: (draws) =>
      Object.fromEntries(
        functions.flatMap(([kind, metricsOf]) =>
          Object.entries(metricsOf(draws)).map(([name, value]) => [`${kind}_${name}`, value]),
        ),
      ),
  };
};

const segmenterScores: Scoring<SegmenterModel> = async (model, data, options) => {
  const set = await setToScore(model, data, options);
  const images: string[] = [];
  const areas: ClassAreas[] = [];
  await evaluateSegmenter(model, set, {
    limit: options.limit,
    onImage: tellingProgress(options.onNotice),
    onResult: (file, _, { areas: own }) => {
      images.push(file);
      areas.push(own);
    },
  });
  const numClasses = model.classNames.length;
  return {
    images,
    metrics: (draws) => {
      const sum = (key: keyof ClassAreas): Float64Array => {
        const total = new Float64Array(numClasses);
        areas.forEach((own, i) => {
          if (draws[i] > 0) for (let k = 0; k < numClasses; k++) total[k] += draws[i] * own[key][k];
        });
        return total;
      };
      const { mIoU, mAcc, aAcc } = semanticMetrics({
        intersection: sum('intersection'),
        predicted: sum('predicted'),
        labeled: sum('labeled'),
      });
      return { mIoU, mAcc, aAcc };
    },
  };
};

const classifierScores: Scoring<ClassifierModel> = async (model, data, options) => {
  const { split = 'val', limit, batch: batchSize = 8, workers = 2 } = options;
  const loaded = readClassificationSplit(data, { ...options, split });
  const { set } = alignClassification(loaded, model.classNames, { owner: model.file });
  const samples = samplesToScore(model, set, limit);
  const accuracy = new ClassificationEvaluator(model.classNames.length);
  const ranks = new Int32Array(samples.length);
  await countSamples(model, samples, accuracy, {
    batchSize,
    workers,
    onPrediction: (index, { logits }) => {
      ranks[index] = labelRank(logits, samples[index].classIndex);
    },
  });
  const within = (draws: Uint32Array, places: number): number =>
    ranks.reduce((sum, rank, i) => (rank < places ? sum + draws[i] : sum), 0) / ranks.length;
  return {
    images: samples.map(({ file }) => file),
    metrics: (draws) => ({ top1: within(draws, 1), top5: within(draws, 5) }),
  };
};
