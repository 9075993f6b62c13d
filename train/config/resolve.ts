import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ConfigFileError } from '../../core/errors.js';
import { expectedWord, nearestWord } from '../../core/nearest-word.js';
import { printable } from '../../core/printable.js';
import { compileSchema, formatProblems } from '../../io/schema.js';
import { peakLearningRate } from './pretrain.js';
import { RECIPES } from '../recipes/index.js';
import { assertSchedule } from '../schedule.js';
import { isConfigPath, readConfigFile } from './file.js';
import type { MergedSettings, Settings } from './layers.js';
import { applySetting, baseSettings, mergeSettings } from './layers.js';
import { SCHEMAS, type RecipeConfig } from './schemas.js';
import { suggestSetting } from './suggest.js';
import { applyShortcuts, type Shortcuts } from './shortcuts.js';

/** Settings that override those of a recipe, lowest priority first. */
export interface ConfigRequest {
  /** Size of the weights that training starts from. */
  readonly ofWeights?: ConvNeXtV2Config | undefined;
  /** File of `--config`. */
  readonly file?: string | undefined;
  /** Settings of a program. */
  readonly settings?: Settings | undefined;
  /** Size that the user asked for. */
  readonly asked?: ConvNeXtV2Config | undefined;
  /** `--set path=value`. */
  readonly set: readonly string[];
  /** `--batch`, `--lr` and `--size`. */
  readonly shortcuts?: Shortcuts | undefined;
}

/** A validated configuration and the source of each value. */
export interface ResolvedConfig {
  /** Name of the base recipe; {@link OWN_RECIPE} for a complete configuration. */
  readonly recipe: string;
  readonly config: RecipeConfig;
  readonly sources: Readonly<Record<string, string>>;
}

/** Placeholder for the name of a recipe. */
const OWN_RECIPE = 'own';

/**
 * Merges recipe, files and settings.
 *
 * @param from a recipe, a configuration file or run folder that extends one, or a complete configuration
 * @throws ConfigError with source, path, allowed values and the nearest key
 */
export function resolveConfig(from: string | RecipeConfig, request: ConfigRequest): ResolvedConfig {
  const isNamed = typeof from === 'string';
  const files = [
    ...(isNamed && isConfigPath(from) ? [from] : []),
    ...(request.file === undefined ? [] : [request.file]),
  ].map((file) => ({ file, ...readConfigFile(file) }));
  const recipe = isNamed ? recipeOf(from, files) : OWN_RECIPE;
  const base = isNamed ? (RECIPES[recipe] as RecipeConfig | undefined) : from;
  let merged = baseSettings(base ?? {}, `recipe ${recipe}`);
  if (request.ofWeights) merged = withBackbone(merged, request.ofWeights, 'size of --weights');
  for (const { file, settings, sources } of files.flatMap(({ layers }) => layers))
    merged = withSources(mergeSettings(merged, settings, file), file, sources);
  if (request.settings) merged = mergeSettings(merged, request.settings, 'config');
  if (request.asked) merged = withBackbone(merged, request.asked, '--model');
  for (const setting of request.set) merged = applySetting(merged, setting);
  const task = base?.task ?? (merged.config['task'] as RecipeConfig['task']);
  const config = checked(merged, task);
  if (!request.shortcuts) return { recipe, config, sources: merged.sources };
  const final = applyShortcuts(merged, config, request.shortcuts);
  return { recipe, config: checked(final, task), sources: final.sources };
}

function recipeOf(
  name: string,
  files: readonly { readonly file: string; readonly recipe?: string | undefined }[],
): string {
  const named = isConfigPath(name) ? files[0].recipe : name;
  if (named === undefined)
    throw ConfigFileError.in(
      name,
      'expected \`extends: RECIPE\` (convnextv2 config list), got none in the file',
    );
  if (!Object.hasOwn(RECIPES, named) && !(named === OWN_RECIPE && isConfigPath(name)))
    throw new ConfigFileError(
      `train: expected a recipe of convnextv2 config list, got ${named}; nearest: ${nearestWord(named, Object.keys(RECIPES))}`,
    );
  for (const { file, recipe } of files)
    if (recipe !== undefined && recipe !== named)
      throw ConfigFileError.in(file, `expected it to extend ${named}, got ${recipe}`);
  return named;
}

/** Values of a stored run keep the sources that they had when it was started. */
function withSources(
  { config, sources }: MergedSettings,
  file: string,
  before: MergedSettings['sources'] = {},
): MergedSettings {
  const named = Object.entries(sources).map(([path, source]) => [
    path,
    source === file && Object.hasOwn(before, path) ? before[path] : source,
  ]);
  return { config, sources: Object.fromEntries(named) as MergedSettings['sources'] };
}

function withBackbone(
  merged: MergedSettings,
  backbone: ConvNeXtV2Config,
  source: string,
): MergedSettings {
  const isAutoencoder = merged.config['task'] === 'pretrain';
  return mergeSettings(merged, isAutoencoder ? { fcmae: { backbone } } : { backbone }, source);
}

function checked({ config, sources }: MergedSettings, task: RecipeConfig['task']): RecipeConfig {
  const problems = compileSchema(SCHEMAS[task])(config).map(({ path, message, known }) => {
    const keys = path.replaceAll('/', '.');
    const meant = known && suggestionFor(keys, { config, sources });
    const key = keys.split('.').at(-1) ?? '';
    return {
      path: place(keys, config, sources),
      message: known && meant ? `${expectedWord(known, printable(key))}; use ${meant}` : message,
    };
  });
  if (problems.length > 0) throw new ConfigFileError(formatProblems(problems));
  const valid = config as unknown as RecipeConfig;
  assertConsistent(valid);
  return valid;
}

/** Suggests the option or setting that was meant, where `--set` names one that does not exist. @param path up to the first unknown key */
function suggestionFor(path: string, { config, sources }: MergedSettings): string | undefined {
  const asked = Object.keys(sources).find(
    (known) =>
      (known === path || known.startsWith(`${path}.`)) && sources[known] === `--set ${known}`,
  );
  return asked === undefined ? undefined : suggestSetting(asked, config);
}

/** The place of a setting in the words of the user: `--set lr`, `my.yaml: lr`. */
function place(path: string, config: Settings, sources: Readonly<Record<string, string>>): string {
  const keys = path.split('.');
  const above = keys.map((_, i) => keys.slice(0, keys.length - i).join('.'));
  const exact = above.find((known) => Object.hasOwn(sources, known));
  // An object has the source of a field of it; an absent field that of a sibling.
  const beside = [path, above[1] ?? '']
    .map((base) => Object.entries(sources).findLast(([known]) => known.startsWith(`${base}.`)))
    .find((found) => found !== undefined);
  const source = exact === undefined ? beside?.[1] : sources[exact];
  if (source === undefined) return path || Object.keys(config).join(', ');
  return source === `--set ${path}` ? source : `${source}: ${path}`;
}

/** Checks rules between fields. */
function assertConsistent(config: RecipeConfig): void {
  switch (config.task) {
    case 'classify':
    case 'pretrain': {
      const { minLr, epochs, warmupEpochs } = config;
      const lr = config.task === 'classify' ? config.lr : peakLearningRate(config);
      assertSchedule('config', { kind: 'cosine', lr, minLr, epochs, warmupEpochs });
      const mixes = config.training.kind === 'training' && config.training.mix !== undefined;
      if (mixes && config.batchSize % 2 !== 0)
        throw new ConfigFileError(
          `config: batchSize: expected an even number with training.mix, got ${config.batchSize}`,
        );
      return;
    }
    case 'segment': {
      const { lr, minLr, power, steps, warmup } = config;
      assertSchedule('config', { kind: 'poly', lr, minLr, power, steps, warmup });
      return;
    }
    case 'detect': // its schedule depends on the number of images and is checked later
      return;
    default:
      config satisfies never;
  }
}
