import { DataError } from '../../core/errors.js';
import { alignClassification } from '../../datasets/align-classes.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import type { ClassifierModel } from '../../inference/model.js';
import { ownSamples, type EvaluatedImages } from '../distributed/evaluation.js';
import type { Scalars } from '../trainer.js';
import { evaluationLoader } from './loader.js';
import { classificationScores, countClassifier } from './trainer.js';

/** Options of {@link evaluateClassifier}. */
export interface EvaluateOptions extends Omit<EvaluatedImages, 'onImage'> {
  readonly batchSize: number;
  readonly workers: number;
}

/**
 * Evaluates a classifier on a data set with the preprocessing of its weights.
 *
 * @returns `top1`, `top5` (fractions), `loss`, `count`
 * @throws DataError if the set has other classes than the model
 */
export async function evaluateClassifier(
  model: ClassifierModel,
  set: ClassificationSet,
  { batchSize, workers, limit, shard }: EvaluateOptions,
): Promise<Scalars> {
  const samples = ownSamples(samplesToScore(model, set, limit), shard);
  const accuracy = new ClassificationEvaluator(model.classNames.length);
  if (samples.length > 0) await countSamples(model, samples, accuracy, { batchSize, workers });
  for (const part of (await shard?.exchange('classification', accuracy.toPartialResult())) ?? [])
    accuracy.addPartialResult(part);
  return classificationScores(accuracy);
}

/** Evaluates samples, decoded and resized in worker threads. */
export async function countSamples(
  model: ClassifierModel,
  samples: ClassificationSet['samples'],
  accuracy: ClassificationEvaluator,
  { batchSize, workers }: Pick<EvaluateOptions, 'batchSize' | 'workers'>,
): Promise<void> {
  if (model.scores) {
    for (const { file, image = file, classIndex } of samples)
      accuracy.update(await model.scores(image), Int32Array.of(classIndex));
    return;
  }
  const { pixels, resize } = model.card;
  const loader = evaluationLoader({ batchSize, workers, pixels, evaluation: resize }, samples);
  try {
    await countClassifier(model, loader, accuracy, { batchSize });
  } finally {
    await loader.close();
  }
}

/**
 * Selects the samples to evaluate, with the class indices of the model.
 *
 * @throws DataError if the set has other classes than the model, or there are no samples
 */
export function samplesToScore(
  { classNames }: ClassifierModel,
  data: ClassificationSet,
  limit?: number,
): ClassificationSet['samples'] {
  const { set } = alignClassification(data, classNames);
  const samples = limit === undefined ? set.samples : set.samples.slice(0, limit);
  if (samples.length === 0) throw new DataError('eval: expected images, got none');
  return samples;
}
