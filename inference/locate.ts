import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describedValue } from '../core/arguments.js';
import { type ConfigError, ModelNotFoundError, OptionError } from '../core/errors.js';
import { cacheFolder } from '../io/files/cache-folder.js';
import type { CatalogEntry } from '../weights/catalog.js';
import { CHECKPOINTS, isEmaBetter, latestValid, readBest } from '../weights/checkpoint-folder.js';
import { openCheckpoint } from '../weights/checkpoint.js';
import { otherWeightsIn, weightFileOf } from '../weights/folder.js';
import { locateWeights, publishedEntry, type LocateWeightsOptions } from '../weights/pull/cache.js';
import type { Which } from '../weights/select.js';
import type { TaskName } from './card.js';
import { taskOf } from './task-of.js';

/** The file of a model. */
export interface LocatedModel {
  readonly file: string;
  readonly task: TaskName;
  /** State of our own checkpoint, including the model card. */
  readonly state?: Readonly<Record<string, unknown>>;
  /** Published file of which this is the copy in the cache. */
  readonly entry?: CatalogEntry | undefined;
  /** Side of the input in pixels, known for official files. */
  readonly inputSize?: number | undefined;
  /** Whether the moving average (EMA) of the weights scored better than the weights, for the best checkpoint of a run. */
  readonly ema?: boolean | undefined;
  /** Rejects if the checksum of a checkpoint does not fit or cannot be computed (WeightsError). Await it before a result is given. */
  readonly verified?: Promise<void> | undefined;
}

const TASKS: readonly TaskName[] = ['classify', 'detect', 'segment', 'pretrain'];

/** Options of {@link locateModel}. */
export interface LocateOptions extends Pick<LocateWeightsOptions, 'offline' | 'mirror'> {
  /** Folder of pulled weights. */
  readonly cache?: string | undefined;
  /** Task that the model must be for; that of a weight file without model card follows from its tensors. */
  readonly task?: string | undefined;
  /** Choice between trained weights and their EMA. */
  readonly which?: Which | undefined;
  /** Called with the license of official weights, with the progress of a download, and with skipped checkpoints. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/**
 * Finds a model: a run folder, a folder of the Hugging Face hub, a checkpoint or weight file, or an official name, which is pulled if it is not in the
 * cache.
 *
 * @throws ConfigError for an unknown task or one that differs from the checkpoint's; WeightsError naming the searched
 *   locations
 */
export async function locateModel(
  model: string,
  options: LocateOptions = {},
): Promise<LocatedModel> {
  const asked = options.task;
  if (asked !== undefined && !(TASKS as readonly string[]).includes(asked))
    throw otherTask(`one of ${TASKS.join(', ')}`, asked);
  const entry = publishedEntry(model);
  if (entry && asked !== undefined && asked !== entry.task)
    throw otherTask(`${entry.task}, which ${entry.name} is for`, asked);
  const found = await locate(model, options);
  const card = found.state?.['card'] as { readonly task?: TaskName } | undefined;
  if (card?.task !== undefined && asked !== undefined && card.task !== asked)
    throw otherTask(`${card.task}, which ${found.file} was trained for`, asked);
  const known = card?.task ?? found.entry?.task;
  if (known !== undefined) return { ...found, task: known };
  const task = await taskOf(found.file, options.which);
  if (asked !== undefined && asked !== task && asked !== 'pretrain')
    throw otherTask(`${task}, which the tensors of ${found.file} are for`, asked);
  return { ...found, task: (asked as TaskName | undefined) ?? task };
}

function otherTask(expected: string, asked: string): ConfigError {
  return new OptionError(`task: expected ${expected}, got ${asked}`, { flags: { task: '--task' } });
}

async function locate(
  model: string,
  { cache, offline, mirror, onNotice }: LocateOptions,
): Promise<Omit<LocatedModel, 'task'>> {
  if (typeof (model as unknown) !== 'string' || model === '')
    throw new OptionError(
      `model: expected a run folder, a checkpoint or weight file, or an official name, got ${model === '' ? 'an empty text' : describedValue(model)}`,
    );
  if (existsSync(model) && statSync(model).isDirectory()) {
    const weights = existsSync(join(model, CHECKPOINTS)) ? undefined : weightFileOf(model);
    return weights === undefined ? locateRun(model, onNotice) : { file: weights };
  }
  if (existsSync(model.replace(/\.safetensors$/, '.json')) && model.endsWith('.safetensors')) {
    const { file, state, verified } = await openCheckpoint(model);
    return { file, state, verified, ema: await isEmaBetter(file) };
  }
  const { file, entry } = await locateWeights(model, cacheFolder(cache), {
    offline,
    mirror,
    onNotice,
  });
  return { file, entry, inputSize: entry?.inputSizePx };
}

async function locateRun(
  folder: string,
  onNotice: LocateOptions['onNotice'],
): Promise<Omit<LocatedModel, 'task'>> {
  const checkpoints = existsSync(join(folder, CHECKPOINTS)) ? join(folder, CHECKPOINTS) : folder;
  const best = await readBest(checkpoints);
  if (best) {
    const { file, state, verified } = await openCheckpoint(join(checkpoints, best.name));
    return { file, state, verified, ema: await isEmaBetter(file) };
  }
  const { checkpoint, skipped } = await latestValid(checkpoints);
  skipped.forEach(({ reason }) => onNotice?.(`warning: ${reason}`));
  if (!checkpoint)
    throw ModelNotFoundError.in(
      folder,
      `expected a run folder with checkpoints, got none (nor weights as the Hugging Face hub has them)${otherWeightsIn(folder)}`,
    );
  return { file: checkpoint.file, state: checkpoint.state };
}
