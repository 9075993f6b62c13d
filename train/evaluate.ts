import { InputError } from '../core/errors.js';
import type { CocoSet } from '../datasets/coco/set.js';
import type { SegmentationSet } from '../datasets/segmentation-folder.js';
import type { ClassificationSet } from '../datasets/imagenet.js';
import type { ImageModel } from '../inference/model.js';
import type { EvaluationOptions, EvaluationReport } from './evaluation.js';
import { TASKS } from './tasks/index.js';

/** What a model can be scored on: the path of a data set, or one that is loaded. */
export type EvaluationData = string | ClassificationSet | CocoSet | SegmentationSet;

/**
 * Scores a model on a data set, as the command `eval` does.
 *
 * @param data of the model's task
 * @returns the scores by name, and what they are of
 * @throws DataError, ConfigError
 */
export async function evaluate(
  model: ImageModel,
  data: EvaluationData,
  options: EvaluationOptions = {},
): Promise<EvaluationReport['document']> {
  return (await evaluationReport(model, data, options)).document;
}

/** {@link evaluate} with a table for people. */
export async function evaluationReport(
  model: ImageModel,
  data: EvaluationData,
  options: EvaluationOptions,
): Promise<EvaluationReport> {
  const { isSet, prediction } = TASKS[model.task];
  if (typeof data !== 'string' && !isSet(data))
    throw new InputError('evaluate: expected the path of a data set, or a set of the model’s task');
  if (!prediction)
    throw new InputError(`evaluate: expected a model that predicts, got ${model.task}`);
  return prediction.evaluate(model, data, options);
}
