import { ConfigFileError, quote } from '../../core/errors.js';
import { parseYaml } from '../../io/yaml/parse.js';

/** A tree of settings in JSON. */
export type Settings = Readonly<Record<string, unknown>>;

/** A configuration and the source of each value. */
export interface MergedSettings {
  readonly config: Settings;
  /** Source by path of every value that is not an object: `training.crop.scale` → `my.yaml`. */
  readonly sources: Readonly<Record<string, string>>;
}

/** Whether any value at or below the paths comes from elsewhere than the recipe. */
export function isSetOver(
  { recipe, sources }: { readonly recipe: string; readonly sources: MergedSettings['sources'] },
  ...paths: readonly string[]
): boolean {
  return Object.entries(sources).some(
    ([path, source]) =>
      source !== `recipe ${recipe}` &&
      paths.some((above) => path === above || path.startsWith(`${above}.`)),
  );
}

/** Wraps the values of a recipe, all from one source. */
export function baseSettings(config: object, source: string): MergedSettings {
  return mergeSettings({ config: {}, sources: {} }, { ...config }, source);
}

/**
 * Overrides settings: objects are merged, all other values, lists included, are replaced. An object of another `kind` replaces the
 * whole old one, since its fields have other meanings.
 */
export function mergeSettings(
  { config, sources }: MergedSettings,
  over: Settings,
  source: string,
): MergedSettings {
  const kept = new Map(Object.entries(sources));
  const merge = (below: unknown, above: unknown, path: string): unknown => {
    if (!isSettings(above)) {
      forget(kept, path);
      kept.set(path, source);
      return structuredClone(above);
    }
    const isOther = 'kind' in above && isSettings(below) && above['kind'] !== below['kind'];
    const base: Settings = isSettings(below) && !isOther ? below : {};
    if (!isSettings(below) || isOther) forget(kept, path);
    if (Object.keys(above).length === 0 && !isSettings(below)) kept.set(path, source);
    // No assignment, which would take `__proto__` of a file for the prototype.
    const changed = Object.entries(above).map(([key, value]): [string, unknown] => {
      const before = Object.hasOwn(base, key) ? base[key] : undefined;
      return [key, merge(before, value, path === '' ? key : `${path}.${key}`)];
    });
    return Object.fromEntries([...Object.entries(base), ...changed]);
  };
  const merged = merge(config, over, '') as Settings;
  return { config: merged, sources: Object.fromEntries(kept) };
}

function forget(sources: Map<string, string>, path: string): void {
  for (const known of [...sources.keys()])
    if (known === path || path === '' || known.startsWith(`${path}.`)) sources.delete(known);
}

/**
 * Applies one `--set path=value`. A value is read as JSON or as a flow of YAML (`{kind: sgd}`) if it parses, as a list if it
 * has commas and replaces one (`ratios=0.5,1`), else as text. Numbers in a path are positions in lists: settings there are
 * merged, and the rest of the list is kept.
 *
 * @throws ConfigError if it has no `=`, a list has no such place, or the path leads through a value without settings
 */
export function applySetting(merged: MergedSettings, setting: string): MergedSettings {
  const at = setting.indexOf('=');
  if (at <= 0) throw new ConfigFileError(`--set: expected path=value, got ${setting}`);
  const path = setting.slice(0, at);
  const source = `--set ${path}`;
  const keys = path.split('.');
  if (keys.some((key) => key === '' || key === '__proto__'))
    throw new ConfigFileError(`--set: expected path=value, got ${setting}`);
  const text = setting.slice(at + 1);
  const build = (below: unknown, depth: number): unknown => {
    const done = keys.slice(0, depth).join('.');
    if (depth === keys.length) return parseValue(text, Array.isArray(below));
    const key = keys[depth];
    if (Array.isArray(below)) {
      const list = below as readonly unknown[];
      assertPlace(list, key, { source, path: done });
      return list.map((item, i) => (String(i) === key ? overItem(item, depth + 1) : item));
    }
    if (below !== undefined && below !== null && !isSettings(below))
      throw new ConfigFileError(
        `${source}: expected ${done} to hold settings, got ${quote(below)}`,
      );
    return { [key]: build(isSettings(below) ? below[key] : undefined, depth + 1) };
  };
  // Lists are replaced, so the new list must be complete.
  const overItem = (item: unknown, depth: number): unknown => {
    const above = build(item, depth);
    return isSettings(item) && isSettings(above)
      ? mergeSettings({ config: item, sources: {} }, above, source).config
      : above;
  };
  return mergeSettings(merged, build(merged.config, 0) as Settings, source);
}

function assertPlace(
  { length }: readonly unknown[],
  key: string,
  { source, path }: { readonly source: string; readonly path: string },
): void {
  if (/^(0|[1-9]\d*)$/.test(key) && Number(key) < length) return;
  const places =
    length === 0 ? `no place in ${path}` : `a place from 0 to ${length - 1} in ${path}`;
  throw new ConfigFileError(
    `${source}: expected ${places}, a list of ${length}, got ${key}; a longer list is set as a whole: --set ${path}='[…]'`,
  );
}

function parseValue(text: string, isList: boolean): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    const value = /^\s*[[{]/.test(text) ? flowOf(text) : undefined;
    if (value !== undefined) return value;
    if (isList && text.includes(','))
      return text.split(',').map((part) => parseValue(part.trim(), false));
    // Numbers that are invalid in JSON but common: .5, 1., +3.
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
  }
}

/** Reads a record or list as files have them: `{kind: hard, iouThreshold: 0.5}`. @returns undefined if it is none */
function flowOf(text: string): unknown {
  try {
    return parseYaml(text);
  } catch {
    return undefined;
  }
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists the values that are not objects by path, in order. */
export function flattenSettings(config: Settings): readonly (readonly [string, unknown])[] {
  return Object.entries(config).flatMap(([key, value]) =>
    isSettings(value)
      ? flattenSettings(value).map(([path, leaf]) => [`${key}.${path}`, leaf] as const)
      : [[key, value] as const],
  );
}
