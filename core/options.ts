import { describedValue, kindOf } from './arguments.js';
import { OptionError, type InputError } from './errors.js';
import { expectedWord } from './nearest-word.js';

/** Constraint on the value of an option. */
export interface OptionRule {
  /** `a number from 0 to 1`, for messages. */
  readonly expected: string;
  fits(value: unknown): boolean;
}

/** Rules of all options of a function by name, so that none of its type is forgotten. */
export type OptionRules<Options> = { readonly [Name in keyof Required<Options>]: OptionRule };

/** Creates a rule. */
export const ruled = (expected: string, fits: OptionRule['fits']): OptionRule => ({
  expected,
  fits,
});

const isFinite = (value: unknown): value is number => Number.isFinite(value);

/** Any value: what the option means is checked where it is used. */
export const ANYTHING = ruled('anything', () => true);
/** A flag. */
export const TRUE_OR_FALSE = ruled('true or false', (value) => typeof value === 'boolean');
/** A string that is not empty. */
export const A_TEXT = ruled('a text that is not empty', (v) => typeof v === 'string' && v !== '');
/** A callback. */
export const A_FUNCTION = ruled('a function', (value) => typeof value === 'function');
/** An object or list. */
export const AN_OBJECT = ruled('an object', (value) => typeof value === 'object' && value !== null);
/** An array. */
export const A_LIST = ruled('a list', (value) => Array.isArray(value));
/** An array of strings that are not empty. */
export const TEXTS = ruled(
  'a list of texts',
  (value) => Array.isArray(value) && value.every((item) => A_TEXT.fits(item)),
);
/** An `AbortSignal`. */
export const A_SIGNAL = ruled('an AbortSignal', (value) => value instanceof AbortSignal);
/** A fraction or probability. */
export const A_FRACTION = ruled(
  'a number from 0 to 1',
  (value) => typeof value === 'number' && value >= 0 && value <= 1,
);
/** A finite number ≥ 0. */
export const AT_LEAST_0 = ruled('a number from 0', (v) => isFinite(v) && v >= 0);
/** A finite number > 0. */
export const ABOVE_0 = ruled('a number above 0', (v) => isFinite(v) && v > 0);

/** A whole number from `least`. @param of for messages: ` of objects` */
export const wholeFrom = (least: number, of = ''): OptionRule =>
  ruled(`a whole number${of} from ${least}`, (v) => Number.isInteger(v) && (v as number) >= least);

/** One of some words. */
export const oneWord = (...words: readonly string[]): OptionRule =>
  ruled(words.join(' or '), (value) => words.includes(value as string));

/** Source of options, for messages, and the class of errors. */
interface OptionSource {
  /** Prefix of the name of an option, default none: `engine.`. */
  readonly prefix?: string;
  readonly Refusal?: new (message: string) => InputError;
}

/**
 * Checks the options of a function: their names, and their values as far as the rules say it. Undefined ones are absent.
 *
 * @param where the function, for messages
 * @throws OptionError or another one of `Refusal`, naming the nearest option for an unknown one
 */
export function assertOptions<Options>(
  where: string,
  options: unknown,
  rules: OptionRules<Options>,
  { prefix = '', Refusal = OptionError }: OptionSource = {},
): void {
  if (typeof options !== 'object' || options === null || kindOf(options) === 'Array')
    throw new Refusal(`${where}: expected an object of options, got ${describedValue(options)}`);
  const known = rules as Readonly<Record<string, OptionRule>>;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(known, name))
      throw new Refusal(`${where}: ${expectedWord(Object.keys(known), name, name)}`);
    const { expected, fits } = known[name];
    if (!fits(value))
      throw new Refusal(`${prefix}${name}: expected ${expected}, got ${describedValue(value)}`);
  }
}

/** Selects the options that a function has from values that may hold others, such as those of a command. */
export function optionsAmong<Given extends object, Options>(
  values: Given,
  rules: OptionRules<Options>,
): Given {
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => Object.hasOwn(rules, name)),
  ) as Given;
}
