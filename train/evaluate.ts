import { InputError } from '../core/errors.js';
import type { CocoSet } from '../datasets/coco/set.js';
import type { SegmentationSet } from '../datasets/segmentation-folder.js';
import type { ClassificationSet } from '../datasets/imagenet.js';
import type { ImageModel } from '../inference/model.js';
import { scoreClassifier } from './classify/score.js';
import { scoreDetector } from './detect/score.js';
import type { EvaluationOptions, EvaluationReport } from './evaluation.js';
import { scoreSegmenter } from './segment/score.js';

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
  switch (model.task) {
    case 'classify':
      return scoreClassifier(model, dataOf(data, 'samples'), options);
    case 'detect':
      return scoreDetector(model, dataOf(data, 'images'), options);
    case 'segment':
      return scoreSegmenter(model, dataOf(data, 'mapping'), options);
    default:
      return model satisfies never;
  }
}

/** @param field that only sets of the task have */
function dataOf<Data extends EvaluationData>(data: EvaluationData, field: string): Data {
  if (typeof data === 'string' || field in data) return data as Data;
  throw new InputError('evaluate: expected the path of a data set, or a set of the model’s task');
}
