import { ConfigError } from '../../core/errors.js';

/**
 * Applies `--set a.b=value` settings to a configuration. Values are JSON where they parse as such, else text.
 *
 * @returns a changed copy
 * @throws ConfigError naming the path for keys that do not exist and values of another kind
 */
export function override<Config extends object>(
  config: Config,
  settings: readonly string[],
): Config {
  const copy = structuredClone(config);
  for (const setting of settings) {
    const at = setting.indexOf('=');
    if (at <= 0) throw new ConfigError(`--set: expected path=value, got ${setting}`);
    assign(copy, setting.slice(0, at), parse(setting.slice(at + 1)));
  }
  return copy;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function assign(config: object, path: string, value: unknown): void {
  const keys = path.split('.');
  let target = config as Record<string, unknown>;
  keys.forEach((key, depth) => {
    if (!Object.hasOwn(target, key)) {
      const known = Object.keys(target).join(', ');
      throw new ConfigError(
        `--set ${path}: expected one of ${known} at ${keys.slice(0, depth).join('.') || 'the top'}, got ${key}`,
      );
    }
    if (depth === keys.length - 1) {
      const before = target[key];
      if (before !== null && value !== null && kind(before) !== kind(value)) {
        throw new ConfigError(
          `--set ${path}: expected a ${kind(before)}, got ${JSON.stringify(value)}`,
        );
      }
      target[key] = value;
    } else {
      const next = target[key];
      if (typeof next !== 'object' || next === null) {
        throw new ConfigError(
          `--set ${path}: expected ${keys.slice(0, depth + 1).join('.')} to hold settings, got ${JSON.stringify(next)}`,
        );
      }
      target = next as Record<string, unknown>;
    }
  });
}

const kind = (value: unknown): string => (Array.isArray(value) ? 'list' : typeof value);
