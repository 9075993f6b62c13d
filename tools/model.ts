import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { WeightsError } from '../core/errors.js';
import { readClassList } from '../datasets/imagenet-classes.js';
import { evaluationResize } from '../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../datasets/transforms/normalize.js';
import type { LoadedClassifier } from '../models/classifier-weights.js';
import { loadClassifier } from '../models/classifier-weights.js';
import { imageNetNames } from '../models/imagenet-names.js';
import type { ClassifierCard } from '../models/model-card.js';
import { classifierCard } from '../models/model-card.js';
import { CHECKPOINTS } from '../train/checkpoints.js';
import { latestValid, readBest } from '../weights/checkpoint-folder.js';
import { readCheckpoint } from '../weights/checkpoint.js';
import { locateWeights } from '../weights/pull/cache.js';
import type { Which } from '../weights/select.js';
import { log } from './output.js';

/** A classifier ready to use, with what its inputs and outputs mean. */
export interface OpenedClassifier extends LoadedClassifier {
  readonly file: string;
  readonly card: ClassifierCard;
}

/** What a user may say about a model beside its name. */
export interface OpenOptions {
  readonly which?: Which;
  readonly cacheFolder?: string;
  /** Class names: a list of {@link readClassList}. */
  readonly classes?: string;
  /** Side of the input, where the file does not say it. */
  readonly size?: number;
}

/** Folder of pulled weights: option, environment, default. */
export function cacheFolder(option?: string): string {
  return option ?? process.env['CONVNEXTV2_CACHE'] ?? join(homedir(), '.cache', 'convnextv2');
}

/**
 * Opens MODEL: a run folder, a checkpoint or weight file, or an official name from the cache.
 *
 * @throws WeightsError naming what was looked for
 */
export async function openClassifier(
  model: string,
  options: OpenOptions = {},
): Promise<OpenedClassifier> {
  const { file, state, inputSize } = await locate(model, options);
  const which = options.which ? { which: options.which } : {};
  if (state) {
    const card = classifierCard(file, state);
    return { ...(await loadClassifier(file, { ...which, backbone: card.backbone })), file, card };
  }
  const loaded = await loadClassifier(file, which);
  const { backbone, classes } = loaded.model.config;
  const classNames = options.classes
    ? readClassList(options.classes).map(({ name }) => name)
    : classes === 1000
      ? await imageNetNames()
      : Array.from({ length: classes }, (_, k) => `class ${k}`);
  if (classNames.length !== classes) {
    throw new WeightsError(
      `${file}: expected ${classes} class names, got ${classNames.length} in ${String(options.classes)}`,
      { file },
    );
  }
  const card: ClassifierCard = {
    task: 'classify',
    backbone,
    classNames,
    pixels: IMAGENET_PIXELS,
    resize: evaluationResize(options.size ?? inputSize ?? 224),
  };
  return { ...loaded, file, card };
}

interface Located {
  readonly file: string;
  /** State of a checkpoint of ours. */
  readonly state?: Readonly<Record<string, unknown>>;
  /** Known for official files. */
  readonly inputSize?: number;
}

async function locate(model: string, options: OpenOptions): Promise<Located> {
  if (existsSync(model) && statSync(model).isDirectory()) return locateRun(model);
  if (existsSync(model.replace(/\.safetensors$/, '.json')) && model.endsWith('.safetensors')) {
    const { file, state } = await readCheckpoint(model);
    return { file, state };
  }
  const { file, entry } = await locateWeights(model, cacheFolder(options.cacheFolder));
  if (entry)
    log(`${entry.name}: official weights, licence ${entry.licence} (not for commercial use)`);
  return entry ? { file, inputSize: entry.inputSizePx } : { file };
}

async function locateRun(folder: string): Promise<Located> {
  const checkpoints = existsSync(join(folder, CHECKPOINTS)) ? join(folder, CHECKPOINTS) : folder;
  const best = await readBest(checkpoints);
  if (best) {
    const { file, state } = await readCheckpoint(join(checkpoints, best.name));
    return { file, state };
  }
  const { checkpoint, skipped } = await latestValid(checkpoints);
  skipped.forEach(({ reason }) => log(`warning: ${reason}`));
  if (!checkpoint) {
    throw new WeightsError(`${folder}: expected a run folder with checkpoints, got none`, {
      file: folder,
    });
  }
  return { file: checkpoint.file, state: checkpoint.state };
}
