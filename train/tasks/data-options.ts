import { describedValue } from '../../core/arguments.js';
import { OptionError } from '../../core/errors.js';
import type { DataOptions } from '../../datasets/layout/types.js';

/** Options that say how data are read, with their flags. */
export const DATA_FLAGS = {
  valFraction: '--val-fraction',
  layout: '--layout',
  classAttribute: '--class-attribute',
  classes: '--classes',
} as const satisfies Partial<Record<keyof DataOptions, string>>;

/** Names of the options that say how data are read, without the seed of a division. */
type DataOptionName = keyof typeof DATA_FLAGS;

/** All of them, for data in any of many formats. */
export const ALL_DATA_OPTIONS = Object.keys(DATA_FLAGS) as readonly DataOptionName[];

/**
 * Refuses options that would be ignored.
 *
 * @param options those that the caller gave, not stored ones
 * @param used names of the options that count for the data
 * @param what description of the data, for messages: `data in memory`
 * @param flags flags of a command that has other ones
 * @throws OptionError naming the option
 */
export function assertDataOptions(
  options: DataOptions,
  used: readonly (keyof DataOptions)[],
  what: string,
  flags: Partial<Record<DataOptionName, string>> = {},
): void {
  for (const name of ALL_DATA_OPTIONS)
    if (options[name] !== undefined && !used.includes(name))
      throw new OptionError(
        `${flags[name] ?? DATA_FLAGS[name]}: expected none for ${what}, got ${describedValue(options[name])}; leave the option out`,
      );
}
