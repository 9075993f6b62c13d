import { assertObject, describedValue } from '../core/arguments.js';
import { DataError, InputError, quote } from '../core/errors.js';
import { inOptionWords } from '../core/option-words.js';
import * as rule from '../core/options.js';
import { decodingFor } from '../inference/decoding.js';
import type { ImageModel, PredictTask } from '../inference/model.js';
import {
  dataOptionsIn,
  EVALUATION_RULES,
  type EvaluationOptions,
  type EvaluationReport,
  type EvaluationScores,
} from './evaluation.js';
import type { DataTypes } from './options.js';
import { assertDataOptions } from './tasks/data-options.js';
import { TASKS } from './tasks/index.js';

/** Data for the evaluation of a model: the path of a data set, a loaded set, or examples. */
export type EvaluationData<Task extends PredictTask = PredictTask> =
  string | DataTypes[Task]['set'] | readonly DataTypes[Task]['example'][];

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
export async function evaluate<Model extends ImageModel>(
  model: Model,
  data: EvaluationData<Model['task']>,
  options: EvaluationOptions = {},
): Promise<EvaluationScores<Model['task']>> {
  rule.assertOptions('evaluate', options, EVALUATION_RULES);
  try {
    return (await evaluationReport(model, data, options)).document;
  } catch (error) {
    throw inOptionWords(error);
  }
}

/** {@link evaluate} with a table for people. */
export async function evaluationReport<Model extends ImageModel>(
  model: Model,
  data: EvaluationData<Model['task']>,
  options: EvaluationOptions,
): Promise<EvaluationReport<EvaluationScores<Model['task']>>> {
  assertObject('evaluate', MODEL, model, 'task');
  assertObject('evaluate', 'an object of options', options);
  if (!Object.hasOwn(TASKS, model.task))
    throw new InputError(`evaluate: expected ${MODEL}, got one of the task ${quote(model.task)}`);
  const { fromExamples, isSet, evaluate: score } = TASKS[model.task];
  if (!score) throw new InputError(`evaluate: expected a model that predicts, got ${model.task}`);
  assertObject('evaluate', MODEL, model, 'predict', 'classNames', 'card', 'options');
  if (Array.isArray(data) && data.length === 0)
    throw new DataError('eval: expected images, got none');
  assertUsed(model.task, data, options);
  const { range } = decodingFor(model.card);
  const set: unknown = Array.isArray(data)
    ? await fromExamples(data, model.classNames, range)
    : data;
  if (typeof set !== 'string' && (typeof set !== 'object' || set === null || !isSet(set)))
    throw new InputError(
      `evaluate: expected the path of a data set, a set or a list of examples to ${model.task}, got ${describedValue(data)}`,
    );
  const report = await score(model, set, options);
  return report as EvaluationReport<EvaluationScores<Model['task']>>;
}

/** Refuses options of the data that would be ignored. @throws OptionError */
export function assertUsed(task: PredictTask, data: unknown, options: EvaluationOptions): void {
  const given = dataOptionsIn(options);
  const flags = { classes: '--data-classes' };
  if (typeof data === 'string')
    assertDataOptions(given, TASKS[task].dataOptions, `a set to ${task}`, flags);
  else assertDataOptions(given, [], 'data in memory', flags);
}

const MODEL = 'a model that loadModel opened';
