import { DataError } from '../../core/errors.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import type { Engine } from '../../engine/runtime/engine.js';
import { ClassificationEvaluator } from '../../evaluation/classification/evaluator.js';
import type { LoadedClassifier } from '../../models/classifier-weights.js';
import type { ClassifierCard } from '../../models/model-card.js';
import type { EvaluationShare } from '../distributed/evaluation.js';
import { ownSamples } from '../distributed/evaluation.js';
import type { Scalars } from '../trainer.js';
import { evaluationLoader } from './loader.js';
import { classificationScores, countClassifier } from './trainer.js';

/** How {@link evaluateClassifier} goes over the data. */
export interface EvaluateOptions {
  readonly batchSize: number;
  readonly workers: number;
  /** Only the first images. */
  readonly limit?: number;
  /** This process's share of the images; all if not given. */
  readonly share?: EvaluationShare;
}

/**
 * Scores a classifier on a data set with the preprocessing that belongs to its weights.
 *
 * @returns `top1`, `top5` (fractions), `loss`, `count`
 * @throws DataError if the classes of data and model differ in number
 */
export async function evaluateClassifier(
  engine: Engine,
  opened: LoadedClassifier & { readonly card: ClassifierCard },
  set: ClassificationSet,
  { batchSize, workers, limit, share }: EvaluateOptions,
): Promise<Scalars> {
  const { model, store, card } = opened;
  const { classes } = model.config;
  const samples = ownSamples(samplesToScore(opened, set, limit), share);
  const { pixels, resize: evaluation } = card;
  const loader = evaluationLoader({ batchSize, workers, pixels, evaluation }, samples);
  const program = engine.prepare(model.inference, store, { frozen: true });
  try {
    const accuracy = new ClassificationEvaluator(classes);
    if (samples.length > 0) await countClassifier(program, loader, accuracy, { batchSize });
    for (const part of (await share?.exchange('classification', accuracy.toPart())) ?? [])
      accuracy.addPart(part);
    return classificationScores(accuracy);
  } finally {
    await loader.close();
    await program.release();
  }
}

/**
 * The samples to score.
 *
 * @throws DataError if the classes of data and model differ in number, or there is no sample
 */
export function samplesToScore(
  { model }: LoadedClassifier,
  set: ClassificationSet,
  limit?: number,
): ClassificationSet['samples'] {
  const { classes } = model.config;
  if (set.classes.length !== classes) {
    throw new DataError(
      `eval: expected data with the model's ${classes} classes, got ${set.classes.length}`,
    );
  }
  const samples = limit === undefined ? set.samples : set.samples.slice(0, limit);
  if (samples.length === 0) throw new DataError('eval: expected images, got none');
  return samples;
}
