import { describedValue } from '../core/arguments.js';
import { DataError } from '../core/errors.js';
import { assertClasses } from '../datasets/in-memory.js';
import { assertDivisible, describeSplit } from '../datasets/split.js';
import type { RecipeConfig } from './config/schemas.js';
import { dataDigest } from './data-digest.js';
import { inspectForTraining, type Verdict } from './inspect.js';
import type { Examples, RankOptions, TrainOptions } from './options.js';
import { dataOptionsOf, IN_MEMORY, type RunPlan } from './plan.js';
import { withClassesOfRun } from './resumed-classes.js';
import { ALL_DATA_OPTIONS, assertDataOptions, DATA_FLAGS } from './tasks/data-options.js';
import type { LoadedData, Task, TrainingData } from './tasks/task.js';

/**
 * Loads the data of a run, gives it the classes of the checkpoint of a resumed one, and inspects it.
 *
 * @throws DataError if the run cannot use the data
 */
export async function dataOfRun(
  task: Task,
  options: RankOptions,
  {
    plan,
    config,
    note,
  }: {
    readonly plan: RunPlan;
    readonly config: RecipeConfig;
    readonly note: (line: string) => void;
  },
): Promise<{
  readonly data: LoadedData<unknown>;
  readonly verdict: Verdict;
  readonly dataDigest: string | null;
}> {
  const { folder, resume = false, communicator } = options;
  const loaded = await dataOf(task, options, plan);
  loaded.lines.forEach(note);
  const digest = plan.data === IN_MEMORY ? null : dataDigest(task, loaded);
  if (isOtherThan(digest, plan.dataDigest)) note(changedData(resume, options));
  const data = alignValidation(
    task,
    resume ? await withClassesOfRun(task, loaded, { folder, communicator }) : loaded,
  );
  data.lines.slice(loaded.lines.length).forEach(note);
  const images = communicator.rank === 0 ? 'headers' : 'none';
  const verdict = await inspectForTraining(data, task, config, images);
  verdict.lines.forEach(note);
  verdict.throwErrors();
  return { data, verdict, dataDigest: digest };
}

/** Says that the data are not those that the run began with, or those of the repeated run. */
function changedData(resume: boolean, options: TrainOptions): string {
  const given = ALL_DATA_OPTIONS.filter((name) => options[name] !== undefined);
  const reason =
    given.length > 0
      ? `${given.map((name) => DATA_FLAGS[name]).join(', ')}, or images, classes or annotations that changed`
      : 'images, classes or annotations were added, removed or changed';
  return resume
    ? `warning: the data are not those that this run began with (${reason}): it goes on with them, and earlier scores may not be comparable`
    : `warning: the data are not those of the run that is repeated (${reason}): its results may not be comparable`;
}

/** Whether two digests differ, as far as both are known. */
const isOtherThan = (digest: string | null, stored: string | null | undefined): boolean =>
  digest !== null && typeof stored === 'string' && digest !== stored;

/** Gives the classes of validation data the indices of the training data. @throws DataError if it has others */
function alignValidation(task: Task, data: LoadedData<unknown>): LoadedData<unknown> {
  const { training, validation, lines } = data;
  const isOther = validation !== undefined && validation !== training;
  const wanted = isOther ? task.classNames?.(training) : undefined;
  if (!wanted || !task.alignClasses) return data;
  const { set, line } = task.alignClasses(validation, wanted, { owner: 'the training data' });
  return { training, validation: set, lines: line === undefined ? lines : [...lines, line] };
}

/** Loads the given sets, images in memory, or the sets of the folder. @throws OptionError for an option without use */
async function dataOf(
  task: Task,
  options: TrainOptions,
  plan: RunPlan,
): Promise<LoadedData<unknown>> {
  const { data } = options;
  const { valFraction, layout, classAttribute, classes } = options;
  const given = { valFraction, layout, classAttribute, classes };
  if (typeof data !== 'object') {
    assertDataOptions(given, task.dataOptions, `a set to ${task.name}`);
    return task.load(data ?? plan.data, dataOptionsOf(plan));
  }
  assertDataOptions(given, ['valFraction'], 'data in memory');
  const sets = await setsOf(task, data);
  if (valFraction !== undefined)
    assertDivisible(valFraction, sets.validation === undefined, 'validation data');
  return divided(task, sets, plan);
}

/** Loads sets, or creates them from images in memory. */
async function setsOf(
  task: Task,
  data: Exclude<TrainOptions['data'], string | undefined>,
): Promise<TrainingData<unknown>> {
  const { training, validation } = data;
  if (!('classes' in data) && !Array.isArray(training)) {
    for (const set of [training, validation ?? training])
      if (typeof set !== 'object' || set === null || !task.isSet(set))
        throw new DataError(`data: expected a set to ${task.name}, got one of another task`);
    return { training, validation };
  }
  const { classes = [] } = data as Examples<unknown>;
  const examples = { training, validation } as Examples<unknown>;
  if (task.classNames) assertClasses(classes);
  for (const [part, list] of Object.entries(examples))
    if (list !== undefined && !Array.isArray(list))
      throw new DataError(
        `data: ${part}: expected a list of examples, got ${describedValue(list)}`,
      );
  if (examples.training.length === 0)
    throw new DataError('data: training: expected examples, got none');
  return {
    training: await task.fromExamples(examples.training, classes),
    validation: examples.validation && (await task.fromExamples(examples.validation, classes)),
  };
}

/** Holds out images of data in memory, if a fraction is given and they have none for validation. */
function divided(
  task: Task,
  { training, validation }: TrainingData<unknown>,
  { valFraction, seed }: RunPlan,
): LoadedData<unknown> {
  if (valFraction === null || validation !== undefined) return { training, validation, lines: [] };
  const rule = { valFraction, seed };
  const { train, val } = task.divide(training, rule);
  return { training: train, validation: val, lines: [`data in memory: ${describeSplit(rule)}`] };
}
