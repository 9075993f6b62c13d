import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConvNeXtV2Config } from '../backbone/variants.js';
import { ConfigError } from '../core/errors.js';
import { hasSplit, readImageNet } from '../datasets/imagenet.js';
import type { EngineOptions } from '../engine/runtime/engine.js';
import { openEngine } from '../engine/runtime/engine.js';
import { variant } from '../models/classifier-weights.js';
import type { ClassificationConfig } from '../train/classification/config.js';
import { trainClassifier } from '../train/classification/run.js';
import { CHECKPOINTS } from '../train/checkpoints.js';
import type { TrainResult } from '../train/loop.js';
import { RECIPES } from '../train/recipes/index.js';
import { override } from '../train/recipes/override.js';
import type { LogRecord } from '../train/run-settings.js';
import { editDistance } from '../weights/model-name.js';
import { locateWeights } from '../weights/pull/cache.js';
import { summarizeWeights } from '../weights/verify.js';
import { cacheFolder } from './model.js';
import { log } from './output.js';

/** What `train` was asked for. */
export interface TrainingRequest {
  readonly data: string;
  readonly out: string;
  readonly weights?: string;
  readonly model?: string;
  readonly set: readonly string[];
  readonly seed: number;
  readonly steps?: number;
  readonly resume?: boolean;
  readonly cache?: string;
  readonly engine: EngineOptions;
  readonly signal?: AbortSignal;
}

/**
 * Reads data and weights, merges the configuration and trains.
 *
 * @throws ConfigError, DataError, WeightsError before any work starts
 */
export async function startTraining(
  recipe: string,
  request: TrainingRequest,
): Promise<TrainResult> {
  const { weights, config } = await configure(recipe, request);
  const training = readImageNet(request.data, { split: 'train' });
  const validation = hasSplit(request.data, 'val')
    ? readImageNet(request.data, { split: 'val', classes: training.classes })
    : undefined;
  log(
    `${request.data}: ${training.layout}; ${training.samples.length} training images, ${training.classes.length} classes`,
  );
  log(
    validation
      ? `${validation.samples.length} validation images`
      : 'no val folder: the scores are on the training images',
  );
  checkFolder(request);
  const engine = await openEngine(request.engine);
  log(engine.description);
  return trainClassifier({
    config,
    engine,
    training,
    validation: validation ?? training,
    folder: request.out,
    seed: request.seed,
    resume: request.resume ?? false,
    maxSteps: request.steps ?? null,
    onRecord: (record) => log(describe(record)),
    onRestored: ({ step, skipped }) => {
      skipped.forEach(({ reason }) => log(`warning: ${reason}`));
      log(`resuming at step ${step}`);
    },
    ...(weights ? { weights } : {}),
    ...(request.signal ? { signal: request.signal } : {}),
  });
}

async function configure(
  recipe: string,
  request: TrainingRequest,
): Promise<{ readonly config: ClassificationConfig; readonly weights?: string }> {
  const names = Object.keys(RECIPES);
  if (!Object.hasOwn(RECIPES, recipe)) {
    const [nearest] = [...names].sort((a, b) => editDistance(recipe, a) - editDistance(recipe, b));
    throw new ConfigError(
      `train: expected a recipe of ${names.join(', ')}, got ${recipe}; nearest: ${nearest}`,
    );
  }
  let config = RECIPES[recipe];
  let weights: string | undefined;
  if (request.weights !== undefined) {
    const located = await locateWeights(request.weights, cacheFolder(request.cache));
    weights = located.file;
    if (located.entry)
      log(
        `${located.entry.name}: official weights, licence ${located.entry.licence} (not for commercial use)`,
      );
    const { architecture } = await summarizeWeights(weights);
    const { depths, dims } = architecture;
    config = { ...config, backbone: { depths, dims, responseNorm: 'grn' } as ConvNeXtV2Config };
  }
  if (request.model !== undefined) config = { ...config, backbone: variant(request.model) };
  return { config: override(config, request.set), ...(weights ? { weights } : {}) };
}

/** A run folder holds one run: an old one is continued or left alone, never mixed with a new one. */
function checkFolder({ out, resume }: TrainingRequest): void {
  const checkpoints = join(out, CHECKPOINTS);
  const isUsed = existsSync(checkpoints) && readdirSync(checkpoints).length > 0;
  if (isUsed && !resume) {
    throw new ConfigError(
      `--out ${out}: expected an empty or new folder, got one with checkpoints; add --resume to go on, or choose another`,
    );
  }
}

function describe(record: LogRecord): string {
  const terms = (values: Readonly<Record<string, number>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
      .join('  ');
  if (record.kind === 'eval')
    return `eval   step ${record.step}  ${record.which}: ${terms(record.metrics)}`;
  const { step, epoch, lr, losses, imagesPerSecond, dataWait, rssBytes } = record;
  return (
    `train  step ${step}  epoch ${epoch.toFixed(2)}  ${terms(losses)}  lr ${lr.toExponential(2)}  ` +
    `${imagesPerSecond.toFixed(1)} images/s  wait ${(100 * dataWait).toFixed(0)} %  ${(rssBytes / 2 ** 20).toFixed(0)} MiB`
  );
}
