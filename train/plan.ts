import { existsSync, statSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { ConfigError, WeightsError } from '../core/errors.js';
import { cacheFolder } from '../io/files/cache-folder.js';
import { sha256OfFile } from '../io/files/sha256.js';
import { variant, type ConvNeXtV2Config } from '../backbone/variants.js';
import { locateWeights } from '../weights/pull/cache.js';
import { encoderArchitecture } from '../weights/verify.js';
import { isConfigPath } from './config/file.js';
import { noteChanges, noteOptions } from './config/notes.js';
import { resolveConfig } from './config/resolve.js';
import { readRunConfig, runEnvironment, type RunConfig } from './config/run-config.js';
import { RUN_CONFIG, RUN_FORMAT } from '../io/files/run-mark.js';
import type { RecipeConfig } from './config/schemas.js';

import { chooseLength } from './length/requested.js';
import type { TrainOptions } from './options.js';
import type { LoadOptions } from './tasks/task.js';

/** Placeholder for data that was given as sets. */
export const IN_MEMORY = '(in memory)';

/** End of the names of recipes for people's own data that start from weights. */
const FINE_TUNING = /-finetune$/;

/** Plan of a run before data and engine are opened: the stored configuration without the environment. */
export interface RunPlan extends Omit<RunConfig, 'environment' | 'config'> {
  readonly config: RecipeConfig;
  /** Initial weights; none for a resumed run. */
  readonly weightFile: string | undefined;
  /** Whether the configuration is that of an earlier run. */
  readonly isRestored: boolean;
}

/**
 * Merges recipe, stored run, files and options. A resumed run keeps its configuration, data and seed; a repeated one (the
 * recipe is a run folder or its `config.json`) also its weights and length. Options take precedence.
 *
 * @throws ConfigError, WeightsError
 */
export async function planRun(
  recipe: string | RecipeConfig,
  options: TrainOptions,
  note: (line: string) => void,
): Promise<RunPlan> {
  const { folder, resume, model } = options;
  const path = typeof recipe === 'string' && isConfigPath(recipe) ? recipe : undefined;
  // A resumed run goes on with what is stored in its own folder.
  const repeated = path === undefined || resume ? undefined : storedAt(path);
  const resumed = resume ? readRunConfig(folder) : undefined;
  if (resumed && typeof recipe === 'string' && !path && resumed.recipe !== recipe)
    throw new ConfigError(
      `resume: expected recipe ${resumed.recipe}, which ${folder} was started with, got ${recipe}`,
      { flags: { resume: '--resume' } },
    );
  const stored = resumed ?? repeated;
  const data = typeof options.data === 'object' ? IN_MEMORY : (options.data ?? stored?.data);
  if (data === undefined || (data === IN_MEMORY && options.data === undefined))
    throw new ConfigError('train: expected data, got none', { flags: { data: '--data DIR' } });
  const seed = options.seed ?? stored?.seed ?? 0;
  if (resumed && seed !== resumed.seed)
    throw new ConfigError(
      `seed: expected ${resumed.seed}, the seed of the run that is resumed, got ${seed}`,
      { flags: { seed: '--seed' } },
    );
  // A resumed run takes its weights from the checkpoint.
  const weights = resumed ? undefined : (options.weights ?? repeated?.weights ?? undefined);
  const start = weights === undefined ? undefined : await startingPoint(weights, options, note);
  const weightsSha256 = start === undefined ? null : await sha256OfFile(start.file);
  if (repeated && options.weights === undefined && weightsSha256 !== repeated.weightsSha256)
    throw new WeightsError(
      `${String(start?.file)}: expected the weights that ${String(recipe)} was started with, got another content`,
      { file: String(start?.file) },
    );
  const asked = model === undefined ? undefined : variant(model);
  const resolved = resolveConfig(resumed && typeof recipe === 'string' ? folder : recipe, {
    ofWeights: asked ? undefined : start?.backbone,
    asked,
    file: options.configFile,
    settings: options.config,
    set: options.set ?? [],
    shortcuts: options,
  });
  const length = chooseLength(options, resolved, { resumed, repeated });
  noteOptions(resolved, options, note);
  if (FINE_TUNING.test(resolved.recipe) && start === undefined && !resumed)
    note(
      `warning: ${resolved.recipe} is for pretrained weights (--weights), got none: ` +
        `from scratch ${resolved.recipe.replace(FINE_TUNING, '')} learns more`,
    );
  if (resumed) noteChanges(resumed, resolved.config, note);
  return {
    format: RUN_FORMAT,
    version: 1,
    recipe: resolved.recipe,
    data: data === IN_MEMORY ? data : resolvePath(data),
    seed,
    weights: (resumed ? resumed.weights : absolute(weights)) ?? null,
    weightsSha256: resumed ? resumed.weightsSha256 : weightsSha256,
    valFraction: options.valFraction ?? stored?.valFraction ?? null,
    layout: options.layout ?? stored?.layout ?? null,
    classAttribute: options.classAttribute ?? stored?.classAttribute ?? null,
    classes: options.classes ?? stored?.classes ?? null,
    dataDigest:
      (resumed ?? (options.data === undefined ? repeated : undefined))?.dataDigest ?? null,
    steps: options.steps ?? repeated?.steps ?? null,
    length,
    overfit: options.overfit ?? stored?.overfit ?? null,
    patience: options.patience ?? stored?.patience ?? null,
    config: resolved.config,
    sources: resolved.sources,
    weightFile: start?.file,
    isRestored: stored !== undefined,
  };
}

/** Options of the data of the plan. */
export function dataOptionsOf(plan: RunPlan): LoadOptions {
  const { valFraction, seed, layout, classes, classAttribute } = plan;
  return {
    seed,
    classAttribute: classAttribute ?? undefined,
    valFraction: valFraction ?? undefined,
    layout: layout ?? undefined,
    classes: classes ?? undefined,
  };
}

/** Creates the stored configuration of the plan. @param engine its description */
export function runConfigOf(
  { weightFile: _, isRestored: _r, ...plan }: RunPlan,
  engine: string,
): RunConfig {
  return {
    ...plan,
    config: plan.config as unknown as RunConfig['config'],
    environment: runEnvironment(engine),
  };
}

/** Finds the weight file of a run folder, file or official name, and the size of its network. */
async function startingPoint(
  weights: string,
  { cache, offline }: Pick<TrainOptions, 'cache' | 'offline'>,
  note: (line: string) => void,
): Promise<{ readonly file: string; readonly backbone: ConvNeXtV2Config }> {
  const { file } = await locateWeights(weights, cacheFolder(cache), { offline, onNotice: note });
  const { depths, dims } = await encoderArchitecture(file);
  // GRN is that of the recipe.
  return { file, backbone: { depths, dims } as ConvNeXtV2Config };
}

/** Paths become absolute, so that the run can be repeated from another folder; names are kept. */
function absolute(weights: string | undefined): string | undefined {
  return weights !== undefined && existsSync(weights) ? resolvePath(weights) : weights;
}

function storedAt(path: string): RunConfig | undefined {
  if (!existsSync(path)) return undefined;
  if (statSync(path).isDirectory()) return readRunConfig(path);
  return path.endsWith(RUN_CONFIG) ? readRunConfig(dirname(path)) : undefined;
}
