import { join, resolve, sep } from 'node:path';
import { DataError, WorkError } from '../../core/errors.js';
import { CHECKPOINTS } from '../../train/checkpoints.js';
import { RECONSTRUCTIONS } from '../../train/pretrain/set-up.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import type { TrainResult } from '../../train/loop.js';
import { assertWritableFolder } from '../out-folder.js';
import { finishRun } from './finish.js';
import { RunMonitor } from './monitor.js';
import type { TrainingFlags } from './plan.js';
import { planTraining } from './plan.js';
import { runOf, startingPoint, type TrainingRequest } from './request.js';
import { log } from '../output.js';

/** How a run ended. */
export interface TrainingOutcome extends TrainResult {
  /** The run has ended by itself: no better score for as long as patience went. */
  readonly stoppedEarly?: string;
}

/**
 * Reads data and weights, merges the configuration, trains, and leaves a report in the run folder.
 *
 * @throws ConfigError, DataError, WeightsError before any work starts
 */
export async function startTraining(
  recipe: string,
  flags: TrainingFlags,
): Promise<TrainingOutcome> {
  const request = await planTraining(recipe, flags);
  const { size, rank } = request.communicator ?? SINGLE_PROCESS;
  const isFirst = rank === 0;
  if (isFirst) assertWritableFolder(request.out);
  const { config } = request.plan.resolved;
  const monitor = new RunMonitor({
    folder: request.out,
    config,
    maxSteps: request.steps ?? null,
    stream: process.stderr,
    ...(request.patience ? { patience: request.patience } : {}),
    ...(request.signal ? { signal: request.signal } : {}),
  });
  if (size > 1 && isFirst) {
    const { batchSize, accumulation } = config;
    monitor.note(
      `${size} ranks × batch ${batchSize} × accumulation ${accumulation} = ${size * batchSize * accumulation} images an update`,
    );
  }
  try {
    const start = performance.now();
    const result = await dispatch({ ...request, monitor });
    const seconds = (performance.now() - start) / 1000;
    const reason = monitor.stoppedBecause;
    const stopped =
      result.interrupted && reason !== undefined && request.signal?.aborted !== true
        ? { interrupted: false, stoppedEarly: reason }
        : {};
    const outcome = { ...result, ...stopped };
    if (reason !== undefined) monitor.note(`stopped early: ${reason}`);
    if (isFirst) await finishRun(request, outcome, monitor, seconds);
    return outcome;
  } catch (error) {
    throw refused(error, request.out);
  } finally {
    monitor.close();
  }
}

/** What the system refused, with its name and what to do: to write the run folder, or to read what is elsewhere. */
function refused(error: unknown, folder: string): unknown {
  const { code, message, path } = error as Partial<NodeJS.ErrnoException>;
  if (code === undefined || !/^E(NOSPC|DQUOT|FBIG|ROFS|ACCES|PERM|NOTDIR|IO)$/.test(code))
    return error;
  if (path !== undefined && !`${resolve(path)}${sep}`.startsWith(`${resolve(folder)}${sep}`))
    return new DataError(
      `${path}: expected a file or folder that can be read, got ${String(message)}`,
      { cause: error, file: path },
    );
  return new WorkError(
    `--out ${folder}: expected to write into the run folder, got ${String(message)}; ` +
      'the last checkpoint stands: put that right and go on with --resume',
    { cause: error },
  );
}

async function dispatch(
  request: TrainingRequest & Required<Pick<TrainingRequest, 'plan'>>,
): Promise<TrainResult> {
  const { config } = request.plan.resolved;
  const { TASKS } = await import('../../train/tasks/index.js');
  const { trainTask } = await import('../../train/run.js');
  const task = TASKS[config.task];
  const data = await task.load(request.data, request);
  data.lines.forEach(log);
  const run = await runOf(request, await startingPoint(request));
  const result = await trainTask(task, config, data, run);
  if (config.task === 'pretrain' && !result.interrupted) {
    const pictures = data.validation ? `; pictures: ${join(request.out, RECONSTRUCTIONS)}` : '';
    log(
      `fine-tune from it: convnextv2 train classify-finetune --data DIR --out RUN --weights ${join(request.out, CHECKPOINTS)}${pictures}`,
    );
  }
  return result;
}
