import { parseArgs, type ParseArgsConfig } from 'node:util';
import { OptionError } from '../core/errors.js';

/** Options with these defaults, whose types theirs have, and texts without a default. */
type Options<Defaults, Text extends string> = {
  readonly [Name in keyof Defaults]: Defaults[Name] extends number
    ? number
    : Defaults[Name] extends boolean
      ? boolean
      : string;
} & { readonly [Name in Text]?: string };

/**
 * Reads the options of a bench from its command line.
 *
 * @param texts options without a default
 * @throws OptionError for a number that is none
 */
export function benchOptions<
  Text extends string,
  Defaults extends Readonly<Record<string, string | number | boolean>>,
>(texts: readonly Text[], defaults: Defaults): Options<Defaults, Text> {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const name of texts) options[name] = { type: 'string' };
  for (const [name, value] of Object.entries(defaults))
    options[name] =
      typeof value === 'boolean' ? { type: 'boolean' } : { type: 'string', default: `${value}` };
  const { values } = parseArgs({ options });
  const read = ([name, value]: readonly [string, unknown]): readonly [string, unknown] => {
    if (typeof defaults[name] !== 'number') return [name, value];
    if (Number.isFinite(Number(value))) return [name, Number(value)];
    throw new OptionError(`--${name}: expected a number, got ${String(value)}`);
  };
  const given = Object.fromEntries(Object.entries(values).map(read));
  return { ...defaults, ...given } as Options<Defaults, Text>;
}
