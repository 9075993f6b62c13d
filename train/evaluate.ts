import { assertObject } from '../core/arguments.js';
import { InputError, quote } from '../core/errors.js';
import type { CocoSet } from '../datasets/coco/set.js';
import type {
  ClassificationExample,
  DetectionExample,
  SegmentationExample,
} from '../datasets/in-memory.js';
import type { SegmentationSet } from '../datasets/segmentation-folder.js';
import type { ClassificationSet } from '../datasets/imagenet.js';
import type { ImageModel } from '../inference/model.js';
import type { EvaluationOptions, EvaluationReport } from './evaluation.js';
import { TASKS } from './tasks/index.js';

/** Data for evaluation: the path of a data set, a loaded set, or images in memory. */
export type EvaluationData =
  | string
  | ClassificationSet
  | CocoSet
  | SegmentationSet
  | readonly ClassificationExample[]
  | readonly DetectionExample[]
  | readonly SegmentationExample[];

/**
 * Evaluates a model on a data set, like the command `eval`.
 *
 * @param data data of the model's task
 * @returns the scores by name, with a description of the data
 * @throws DataError, ConfigError
 *
 * @example
 *   ```ts
 *   const model = await loadModel('RUN');
 *   const scores = await evaluate(model, 'DATA');
 *   console.log(scores);
 *   await model.release();
 *   ```
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
  assertObject('evaluate', 'a model that loadModel opened', model, 'task');
  assertObject('evaluate', 'an object of options', options);
  if (!Object.hasOwn(TASKS, model.task))
    throw new InputError(
      `evaluate: expected a model that loadModel opened, got one of the task ${quote(model.task)}`,
    );
  const { fromExamples, isSet, prediction } = TASKS[model.task];
  const set: unknown = Array.isArray(data) ? fromExamples(data, model.classNames) : data;
  if (typeof set !== 'string' && (typeof set !== 'object' || set === null || !isSet(set)))
    throw new InputError(
      'evaluate: expected the path of a data set, a set or a list of examples of the model’s task',
    );
  if (!prediction)
    throw new InputError(`evaluate: expected a model that predicts, got ${model.task}`);
  return prediction.evaluate(model, set, options);
}
