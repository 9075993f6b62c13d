import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type ConfigError, ConfigFileError, quote } from '../../core/errors.js';
import { nearestWord } from '../../core/nearest-word.js';
import { MAX_LIST_BYTES, readTextSync, reasonOf } from '../../io/files/read.js';
import { parseYaml, type YamlProblem } from '../../io/yaml/parse.js';
import { RECIPES } from '../recipes/index.js';
import type { MergedSettings, Settings } from './layers.js';
import { RUN_CONFIG, RUN_FORMAT } from '../../io/files/run-mark.js';

/** A configuration file with all files that it extends. */
interface ConfigFile {
  /** The recipe at the end of the chain, if the chain names one. */
  readonly recipe?: string | undefined;
  /** In order of application: files that others extend come first. */
  readonly layers: readonly ConfigLayer[];
}

/** Settings of one file. */
interface ConfigLayer {
  readonly file: string;
  readonly settings: Settings;
  /** Of a stored run: where its values came from when it was started, by path. */
  readonly sources?: MergedSettings['sources'] | undefined;
}

/** Largest number of files that a configuration consists of. */
const MAX_FILES = 200;

/** Whether a RECIPE argument is a file or run folder, not the name of a recipe. */
export function isConfigPath(name: string): boolean {
  return !Object.hasOwn(RECIPES, name) && (/\.(ya?ml|json)$/i.test(name) || existsSync(name));
}

/**
 * Reads a YAML or JSON file: settings as in a recipe, and `extends`, the name of a recipe, a file (relative to this one),
 * or a list of files of which the first names a recipe or extends one. For a run folder, its stored configuration is
 * read.
 *
 * @throws ConfigError with file and line if it does not parse, and with the chain if files extend each other in a circle
 */
export function readConfigFile(path: string): ConfigFile {
  return read(path, []);
}

function read(path: string, chain: readonly string[]): ConfigFile {
  const file = existsSync(path) && statSync(path).isDirectory() ? join(path, RUN_CONFIG) : path;
  const id = resolve(file);
  if (chain.includes(id))
    throw ConfigFileError.in(
      file,
      `expected files that extend each other in a line, got a circle: ${[...chain, id].join(' -> ')}`,
    );
  const { extends: parents, ...settings } = parse(file);
  if (settings['format'] === RUN_FORMAT) return storedRun(file, settings);
  const names = parents === undefined ? [] : [parents].flat();
  if (chain.length >= MAX_FILES) throw tooMany(file);
  const below: ConfigFile[] = [];
  let numLayers = 0;
  for (const name of names) {
    const one = parent(file, name, [...chain, id]);
    below.push(one);
    // Files that extend the same ones twice would double their number at every level.
    if ((numLayers += one.layers.length) >= MAX_FILES) throw tooMany(file);
  }
  const recipes = new Set(below.flatMap(({ recipe }) => recipe ?? []));
  if (recipes.size > 1)
    throw ConfigFileError.in(
      file,
      `extends: expected one recipe at the end, got ${[...recipes].join(' and ')}`,
    );
  const [recipe] = recipes;
  return { recipe, layers: [...below.flatMap(({ layers }) => layers), { file, settings }] };
}

function tooMany(file: string): ConfigError {
  return ConfigFileError.in(
    file,
    `extends: expected at most ${MAX_FILES} files in all, got more; files that are extended twice count twice`,
  );
}

function parent(file: string, name: unknown, chain: readonly string[]): ConfigFile {
  if (typeof name !== 'string')
    throw ConfigFileError.in(
      file,
      `extends: expected the name of a recipe or a file, got ${quote(name)}`,
    );
  if (Object.hasOwn(RECIPES, name)) return { recipe: name, layers: [] };
  const path = join(dirname(file), name);
  if (existsSync(path)) return read(path, chain);
  throw ConfigFileError.in(
    file,
    `extends: expected a recipe or a file beside this one, got ${name}; nearest recipe: ${nearestWord(name, Object.keys(RECIPES))}`,
  );
}

function parse(file: string): Settings {
  let text: string;
  try {
    text = readTextSync(file, MAX_LIST_BYTES);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new ConfigFileError(
      `${file}: expected a configuration in YAML or JSON, got ${reason === 'ENOENT' ? 'no such file' : reason}`,
      { cause, file },
    );
  }
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (cause) {
    const { line, message } = cause as YamlProblem;
    throw new ConfigFileError(
      `${file}${line === undefined ? '' : `:${line}`}: expected YAML or JSON, got ${message}`,
      { cause, file },
    );
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw ConfigFileError.in(file, `expected settings by name, got ${quote(value)}`);
  return value as Settings;
}

function storedRun(file: string, { recipe, config, sources }: Settings): ConfigFile {
  if (typeof recipe !== 'string' || typeof config !== 'object' || config === null)
    throw ConfigFileError.in(file, 'expected recipe and config of a run, got others');
  const before = Object.entries(Object(sources) as Settings).flatMap(([path, name]) => {
    if (typeof name !== 'string') return [];
    return [[path, name.startsWith('--') ? `${RUN_CONFIG}: ${name}` : name] as const];
  });
  const layer = { file, settings: config as Settings, sources: Object.fromEntries(before) };
  return { recipe, layers: [layer] };
}
