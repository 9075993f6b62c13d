import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { ConfigError } from '../../core/errors.js';
import { nearestWord } from '../../core/nearest-word.js';
import { RECIPES } from '../recipes/index.js';
import type { Settings } from './layers.js';
import { RUN_CONFIG, RUN_FORMAT } from './run-config.js';

/** A configuration file with all files that it extends. */
interface ConfigFile {
  /** The recipe at the end of the chain, if the chain names one. */
  readonly recipe?: string | undefined;
  /** In order of application: files that others extend come first. */
  readonly layers: readonly { readonly file: string; readonly settings: Settings }[];
}

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
    throw ConfigError.in(
      file,
      `expected files that extend each other in a line, got a circle: ${[...chain, id].join(' -> ')}`,
    );
  const { extends: parents, ...settings } = parse(file);
  if (settings['format'] === RUN_FORMAT) return storedRun(file, settings);
  const names = parents === undefined ? [] : [parents].flat();
  const below = names.map((name) => parent(file, name, [...chain, id]));
  const recipes = new Set(below.flatMap(({ recipe }) => recipe ?? []));
  if (recipes.size > 1)
    throw ConfigError.in(
      file,
      `extends: expected one recipe at the end, got ${[...recipes].join(' and ')}`,
    );
  const [recipe] = recipes;
  return { recipe, layers: [...below.flatMap(({ layers }) => layers), { file, settings }] };
}

function parent(file: string, name: unknown, chain: readonly string[]): ConfigFile {
  if (typeof name !== 'string')
    throw ConfigError.in(
      file,
      `extends: expected the name of a recipe or a file, got ${JSON.stringify(name)}`,
    );
  if (Object.hasOwn(RECIPES, name)) return { recipe: name, layers: [] };
  const path = join(dirname(file), name);
  if (existsSync(path)) return read(path, chain);
  throw ConfigError.in(
    file,
    `extends: expected a recipe or a file beside this one, got ${name}; nearest recipe: ${nearestWord(name, Object.keys(RECIPES))}`,
  );
}

function parse(file: string): Settings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new ConfigError(
      `${file}: expected a configuration in YAML or JSON, got ${code === 'ENOENT' ? 'no such file' : String(code)}`,
      { cause, file },
    );
  }
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error) {
    const line = error.linePos?.[0].line;
    throw new ConfigError(
      `${file}${line === undefined ? '' : `:${line}`}: expected YAML or JSON, got ${error.message.split('\n')[0].replace(/ at line .*/, '')}`,
      { cause: error, file },
    );
  }
  const value: unknown = document.toJS();
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw ConfigError.in(
      file,
      `expected settings by name, got ${JSON.stringify(value)?.slice(0, 40)}`,
    );
  return value as Settings;
}

function storedRun(file: string, { recipe, config }: Settings): ConfigFile {
  if (typeof recipe !== 'string' || typeof config !== 'object' || config === null)
    throw ConfigError.in(file, 'expected recipe and config of a run, got others');
  return { recipe, layers: [{ file, settings: config as Settings }] };
}
