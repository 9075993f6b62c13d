/**
 * A JSON Schema (draft 7) of values of type `T`, so that a configuration's type and schema are defined together: `import *
 * as t from './schema.js'; export const Range = t.record({ from: t.number(), to: t.number() }); export type Range =
 * t.Infer<typeof Range>;`.
 */
export interface Schema<T = unknown> {
  readonly [keyword: string]: unknown;
  readonly [TYPE]?: T;
}

declare const TYPE: unique symbol;
const OPTIONAL = Symbol('optional');

/** A field that may be absent. */
export interface OptionalSchema<T> extends Schema<T> {
  readonly [OPTIONAL]: true;
}

/** Type of the valid values of a schema. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** Schemas by the name of a field. */
export type Fields = Readonly<Record<string, Schema>>;

type OptionalKeys<F> = {
  [K in keyof F]: F[K] extends OptionalSchema<unknown> ? K : never;
}[keyof F];
/** Flattens an intersection to one object type, so that errors and hovers show its fields. */
type Flat<T> = T extends infer All ? { [K in keyof All]: All[K] } : never;

/** An object with these fields. Mapped over picked keys, so that the fields keep their doc comments. */
type RecordOf<F extends Fields> = Flat<
  { readonly [K in keyof Pick<F, Exclude<keyof F, OptionalKeys<F>>>]: Infer<F[K]> } & {
    readonly [K in keyof Pick<F, OptionalKeys<F>>]?: Infer<F[K]> | undefined;
  }
>;

/** Bounds of a number; `above` is exclusive. */
interface Bounds {
  readonly from?: number | undefined;
  readonly above?: number | undefined;
  readonly to?: number | undefined;
}

/** A number within bounds. */
export function number({ from, above, to }: Bounds = {}): Schema<number> {
  const bounds = { minimum: from, exclusiveMinimum: above, maximum: to };
  const given = Object.entries(bounds).filter(([, bound]) => bound !== undefined);
  return { type: 'number', ...Object.fromEntries(given) };
}

/** A whole number from `from`, up to `to` if given. */
export const whole = (from: number, to?: number): Schema<number> => ({
  ...number({ from, to }),
  type: 'integer',
});

/** A number ≥ 0. */
export const NON_NEGATIVE = number({ from: 0 });

/** A number > 0. */
export const POSITIVE = number({ above: 0 });

/** A fraction or probability: 0 … 1. */
export const FRACTION = number({ from: 0, to: 1 });

/** true or false. */
export const FLAG: Schema<boolean> = { type: 'boolean' };

/** Any string, also an empty one. */
export const STRING: Schema<string> = { type: 'string' };

/** A non-empty string. */
export const TEXT: Schema<string> = { type: 'string', minLength: 1 };

/** One of some words. */
export const oneOf = <const W extends string>(...words: readonly W[]): Schema<W> => ({
  enum: words,
});

/** A fixed string: the field that discriminates records. */
export const literal = <const W extends string>(word: W): Schema<W> => ({ const: word });

type Tuple<T, N extends 2 | 3 | 4> = {
  2: readonly [T, T];
  3: readonly [T, T, T];
  4: readonly [T, T, T, T];
}[N];

/** An object whose values, by any names, are of one schema. */
export const dictionary = <T>(values: Schema<T>): Schema<Readonly<Record<string, T>>> => ({
  type: 'object',
  patternProperties: { '^': values },
});

/** A list of any number of items, also of none. */
export const listOf = <T>(items: Schema<T>): Schema<readonly T[]> => ({ type: 'array', items });

/** A list of `length` items, or of at least one. */
export function list<T>(items: Schema<T>): Schema<readonly T[]>;
export function list<T, N extends 2 | 3 | 4>(items: Schema<T>, length: N): Schema<Tuple<T, N>>;
export function list(items: Schema, length?: number): Schema {
  const most = length === undefined ? {} : { maxItems: length };
  return { type: 'array', items, minItems: length ?? 1, ...most };
}

/** An object with exactly these fields; those made by {@link optional} may be absent. */
export const record = <const F extends Fields>(fields: F): Schema<RecordOf<F>> => exactly(fields);

function exactly(fields: Fields): Schema<never> {
  return {
    type: 'object',
    properties: fields,
    required: Object.keys(fields).filter((key) => !(OPTIONAL in fields[key])),
    additionalProperties: false,
  };
}

/** A field of {@link record} that may be absent. */
export const optional = <T>(schema: Schema<T>): OptionalSchema<T> => ({
  ...schema,
  [OPTIONAL]: true,
});

/** A {@link record} with more fields. */
export const extend = <T, const F extends Fields>(
  schema: Schema<T>,
  fields: F,
): Schema<Flat<T & RecordOf<F>>> => exactly({ ...(schema['properties'] as Fields), ...fields });

/** A {@link record} without one of its fields. */
export function omit<T, K extends keyof T & string>(schema: Schema<T>, key: K): Schema<Omit<T, K>> {
  const { [key as string]: _, ...fields } = schema['properties'] as Fields;
  return exactly(fields);
}

/** A schema whose records, at any depth, may have fields that it does not know; the rules of a {@link dictionary} stay. */
export const withUnknownFields = <T>(schema: Schema<T>): Schema<T> =>
  JSON.parse(
    JSON.stringify(schema, (key, value: unknown) =>
      key === 'additionalProperties' && value === false ? undefined : value,
    ),
  ) as Schema<T>;

/** A value of a schema with a `type`, or null. */
export const orNull = <T>(schema: Schema<T>): Schema<T | null> => ({
  ...schema,
  type: [schema['type'], 'null'],
});

/** A union of records discriminated by the {@link literal} in their field `kind`. */
export function byKind<const V extends readonly Schema[]>(
  ...variants: V
): Schema<Infer<V[number]>> {
  return {
    type: 'object',
    required: ['kind'],
    discriminator: { propertyName: 'kind' },
    oneOf: variants,
  };
}
