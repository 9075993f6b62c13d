import { openTrainingEngine } from './spin-choice.js';
import { resolve, sep } from 'node:path';
import { DataError, WriteError } from '../core/errors.js';
import { inOptionWords } from '../core/option-words.js';
import { assertDataExists } from '../datasets/layout/detect.js';
import type { FileLock } from '../io/files/lock.js';
import { assertWritableFolder } from '../io/files/out-folder.js';
import type { RecipeConfig } from './config/schemas.js';
import { SINGLE_PROCESS } from './distributed/communicator.js';
import { dataOfRun } from './data-of-run.js';
import { conductRun } from './conduct.js';
import {
  examinesRun,
  finishRun,
  MOST_IMAGES,
  stoppedAt,
  unusedTime,
  type FinishedRun,
} from './finish.js';
import { RunMonitor, tell } from './monitor.js';
import type { ConfigOf, TrainOptions } from './options.js';
import { assertTrainOptions } from './train-options.js';
import { assertRunFolder, ownRunFolder } from './own-folder.js';
import { planRun, runConfigOf } from './plan.js';
import { planForData } from './plan-for-data.js';
import { OverfitGoal, toOverfit } from './overfit.js';
import { TASKS, type TaskName } from './tasks/index.js';

/** Result of training. */
export interface TrainOutcome extends FinishedRun {
  readonly task: TaskName;
}

/**
 * Trains a model by a recipe. The run folder gets configuration, metrics, TensorBoard events, checkpoints and a report;
 * its name is a model for `loadModel`.
 *
 * @param recipe a name (see `RECIPES`), a complete configuration, a configuration file, or a run folder to repeat
 * @throws ConfigError, DataError, WeightsError before any work starts; WorkError if it fails on the way
 *
 * @example
 *   ```ts
 *   const { step, metrics } = await train('detect', {
 *     data: 'DATA',
 *     folder: 'TRAINED',
 *     steps: 1, // leave it out: the length follows from the size of the set
 *     size: 96, // short side of the input; default: by the objects
 *     report: false,
 *     listener: { note: (line) => console.log(line) },
 *   });
 *   console.log(step, metrics);
 *   ```
 */
export async function train<const Recipe extends string | RecipeConfig>(
  recipe: Recipe,
  options: TrainOptions<ConfigOf<Recipe>>,
): Promise<TrainOutcome> {
  try {
    return await trained(recipe, options as TrainOptions);
  } catch (error) {
    throw inOptionWords(error);
  }
}

async function trained(recipe: string | RecipeConfig, given: TrainOptions): Promise<TrainOutcome> {
  assertTrainOptions(recipe, given);
  const options = { ...given, communicator: given.communicator ?? SINGLE_PROCESS };
  options.signal?.throwIfAborted();
  const { folder, signal, listener, backbone, communicator } = options;
  const { size, rank } = communicator;
  const isFirst = rank === 0;
  const note = (line: string): void => {
    if (isFirst) tell(listener, line);
  };
  const startMs = performance.now();
  const { data, weights } = options;
  if (weights !== undefined && typeof data === 'string') assertDataExists(data); // before weights are pulled
  const plan = await planRun(recipe, options, note);
  if (isFirst) {
    assertWritableFolder(folder);
    assertRunFolder(options);
  }
  // The drop path mask has one row per block.
  const hasBlocks = backbone === undefined || backbone.numBlocks > 0;
  const config = hasBlocks ? plan.config : { ...plan.config, dropPathRate: 0 };
  const task = TASKS[config.task];
  const patience = plan.patience ?? undefined;
  const overfit = plan.overfit ?? undefined;
  const goal = overfit === undefined ? undefined : new OverfitGoal(task.learnedScore);
  const monitor = new RunMonitor({
    folder,
    metric: task.bestMetric,
    patience,
    goal,
    signal,
    listener,
  });
  let lock: FileLock | undefined;
  try {
    if (size > 1) {
      const { batchSize, accumulation } = config;
      note(
        `${size} ranks × batch ${batchSize} × accumulation ${accumulation} = ${size * batchSize * accumulation} images per update`,
      );
    }
    const {
      data: whole,
      verdict,
      dataDigest,
    } = await dataOfRun(task, options, {
      plan,
      config,
      note,
    });
    const fitted = await planForData(task, plan, {
      ...verdict,
      training: whole.training,
      numProcesses: size,
      note,
    });
    const usable = hasBlocks ? fitted.config : { ...fitted.config, dropPathRate: 0 };
    const { data, config: decided } =
      overfit === undefined
        ? { data: whole, config: usable }
        : await toOverfit(task, whole, { config: usable, count: overfit, note });
    if (isFirst) lock = await ownRunFolder(options, note);
    const engine = await openTrainingEngine(options.engine, size);
    note(engine.description);
    const assertOwned = (): void => lock?.assertHeld();
    const first = options.resume ? (plan.dataDigest ?? dataDigest) : dataDigest;
    const stored = runConfigOf({ ...fitted, dataDigest: first }, engine.description);
    const isExamined = examinesRun(plan, options.report);
    const { verdict: learning, ...result } = await conductRun(task, data, options, {
      plan,
      config: decided,
      stored,
      engine,
      backbone,
      monitor,
      note,
      startMs,
      assertOwned,
      reportImages: isExamined ? MOST_IMAGES : 0,
    });
    const seconds = (performance.now() - startMs) / 1000;
    const reason = monitor.stoppedBecause;
    const isEarly = result.interrupted && reason !== undefined && signal?.aborted !== true;
    const outcome: TrainOutcome = {
      ...result,
      task: task.name,
      learning,
      overfit: result.interrupted && !isEarly ? undefined : goal?.verdict(result.step, learning),
      ...(isEarly && { interrupted: false, stoppedEarly: reason }),
    };
    if (reason !== undefined && !goal) note(`stopped early: ${reason}`);
    if (result.cutFrom !== undefined) note(stoppedAt(result.step, result.cutFrom));
    const unused = unusedTime(outcome, plan, seconds);
    if (unused !== undefined) note(unused);
    if (outcome.overfit) note(outcome.overfit.line);
    assertOwned();
    if (isFirst) await finishRun(plan, options, { engine, outcome, monitor, seconds });
    return outcome;
  } catch (error) {
    throw refused(error, folder);
  } finally {
    monitor.close();
    lock?.release();
  }
}

/** Converts a system error to one with code and remedy, for writing the run folder or reading other files. */
function refused(error: unknown, folder: string): unknown {
  const { code, message, path } = error as Partial<NodeJS.ErrnoException>;
  if (code === undefined || !/^E(NOSPC|DQUOT|FBIG|ROFS|ACCES|PERM|NOTDIR|IO)$/.test(code))
    return error;
  if (path !== undefined && !`${resolve(path)}${sep}`.startsWith(`${resolve(folder)}${sep}`))
    return new DataError(
      `${path}: expected a file or folder that can be read, got ${String(message)}`,
      { cause: error, file: path },
    );
  return new WriteError(
    `folder ${folder}: expected to write into the run folder, got ${String(message)}; ` +
      'the last checkpoint stands: put that right and go on with resume',
    {
      cause: error,
      flags: { [`folder ${folder}`]: `--out ${folder}`, 'with resume': 'with --resume' },
    },
  );
}
