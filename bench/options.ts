import { parseArgs, type ParseArgsConfig } from 'node:util';
import { OptionError } from '../core/errors.js';

type Specs = NonNullable<ParseArgsConfig['options']>;

/** Options with these defaults, whose types theirs have, and texts without a default. */
type Options<Defaults, Text extends string> = {
  readonly [Name in keyof Defaults]: Defaults[Name] extends number
    ? number
    : Defaults[Name] extends boolean
      ? boolean
      : string;
} & { readonly [Name in Text]?: string };

/**
 * Reads the options of a bench from its command line. `--help` lists them and ends the process; so does a wrong one, with
 * exit code 2.
 *
 * @param texts options without a default
 */
export function benchOptions<
  Text extends string,
  Defaults extends Readonly<Record<string, string | number | boolean>>,
>(texts: readonly Text[], defaults: Defaults): Options<Defaults, Text> {
  const options: Record<string, Specs[string]> = {};
  for (const name of texts) options[name] = { type: 'string' };
  for (const [name, value] of Object.entries(defaults))
    options[name] =
      typeof value === 'boolean' ? { type: 'boolean' } : { type: 'string', default: `${value}` };
  const read = ([name, value]: readonly [string, unknown]): readonly [string, unknown] => {
    if (typeof defaults[name] !== 'number') return [name, value];
    if (Number.isFinite(Number(value))) return [name, Number(value)];
    throw new OptionError(`--${name}: expected a number, got ${String(value)}`);
  };
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } });
    if (values['help']) {
      console.log(
        ['options:', ...Object.keys(options).map((name) => lineOf(name, options))].join('\n'),
      );
      process.exit(0);
    }
    const given = Object.fromEntries(Object.entries(values).map(read));
    return { ...defaults, ...given } as Options<Defaults, Text>;
  } catch (error) {
    console.error(`${(error as Error).message} (--help lists the options)`);
    process.exit(2);
  }
}

/** `  --rounds <value>  (default: 3)` */
function lineOf(name: string, options: Specs): string {
  const { type, default: value } = options[name];
  const takes = type === 'boolean' ? '' : ' <value>';
  return `  --${name}${takes}${value === undefined ? '' : `  (default: ${String(value)})`}`;
}
