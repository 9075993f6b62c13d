import { DataError } from '../../core/errors.js';
import { alignClassification } from '../../datasets/align-classes.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import type { Classification, ClassifierModel } from '../../inference/model.js';
import { ownSamples, type EvaluatedImages } from '../distributed/evaluation.js';
import type { Scalars } from '../trainer.js';
import { evaluationLoader } from './loader.js';
import { classificationScores } from './trainer.js';

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

/** Options of {@link countSamples}. */
interface CountOptions extends Pick<EvaluateOptions, 'batchSize' | 'workers'> {
  /**
   * Whether an image that is alone in a batch of more is doubled (default): sums over the positions of a single image have
   * another order than for two or more, so results would otherwise depend on the division into shards.
   */
  readonly doublesSingle?: boolean | undefined;
  /** Called with the prediction for each sample, in order. */
  readonly onPrediction?: ((index: number, prediction: Classification) => void) | undefined;
}

/** Predicts samples in batches, decoded and resized in worker threads, and adds the predictions to an evaluator. */
export async function countSamples(
  model: ClassifierModel,
  samples: ClassificationSet['samples'],
  accuracy: ClassificationEvaluator,
  { batchSize, workers, doublesSingle = true, onPrediction }: CountOptions,
): Promise<void> {
  const add = (index: number, prediction: Classification): void => {
    const { file, classIndex } = samples[index];
    accuracy.update(prediction.logits, [classIndex], file);
    onPrediction?.(index, prediction);
  };
  if (model.takesWholeImages) {
    for (const [index, { file, image = file }] of samples.entries())
      add(index, (await model.predictBatch([await model.preprocess(image)]))[0]);
    return;
  }
  const { pixels, resize } = model.card;
  const loader = evaluationLoader({ batchSize, workers, pixels, evaluation: resize }, samples);
  try {
    for await (const batch of loader.epoch(0)) {
      const { images: data, shape, indices } = batch.value;
      const isSingle = doublesSingle && indices.length === 1 && batchSize > 1;
      const input = { shape, data };
      const predictions = await model.predictBatch(isSingle ? [input, input] : [input]);
      indices.forEach((index, i) => add(index, predictions[i]));
      batch.release();
    }
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
