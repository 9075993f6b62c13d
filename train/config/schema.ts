/**
 * A JSON Schema (draft 7) in the subset that configurations need. The builders below are checked against the TypeScript
 * types: a field that a type gains and a schema lacks does not compile.
 */
export type Schema = Readonly<Record<string, unknown>>;

/** One schema a field of `T`. */
export type FieldsOf<T> = { readonly [Key in keyof T]-?: Schema };

/** A number; whole where wanted. Bounds are inclusive unless they say `above`. */
export interface NumberRule {
  readonly from?: number;
  readonly above?: number;
  readonly to?: number;
  readonly whole?: boolean;
  readonly nullable?: boolean;
}

/** A number within bounds. */
export function number({ from, above, to, whole, nullable }: NumberRule = {}): Schema {
  const type = whole ? 'integer' : 'number';
  return {
    type: nullable ? [type, 'null'] : type,
    ...(from === undefined ? {} : { minimum: from }),
    ...(above === undefined ? {} : { exclusiveMinimum: above }),
    ...(to === undefined ? {} : { maximum: to }),
  };
}

/** A whole number from `from`. */
export const whole = (from: number): Schema => number({ from, whole: true });

/** A share or probability: 0 … 1. */
export const SHARE = number({ from: 0, to: 1 });

/** true or false. */
export const FLAG: Schema = { type: 'boolean' };

/** One of some words. */
export const oneOf = (...values: readonly string[]): Schema => ({ enum: values });

/** A list of `length` items, or of at least one. */
export function list(items: Schema, length?: number): Schema {
  return length === undefined
    ? { type: 'array', items, minItems: 1 }
    : { type: 'array', items, minItems: length, maxItems: length };
}

/** An object with exactly these fields; those of `optional` may be absent. */
export function record<T extends object>(
  fields: FieldsOf<T>,
  optional: readonly (keyof T & string)[] = [],
): Schema {
  return {
    type: 'object',
    properties: fields,
    required: Object.keys(fields).filter((key) => !(optional as readonly string[]).includes(key)),
    additionalProperties: false,
  };
}

/** An object of {@link record}, or null. */
export const orNull = (schema: Schema): Schema => ({ ...schema, type: ['object', 'null'] });

/** Objects told apart by the word in their field `kind`. */
export function byKind(...variants: readonly Schema[]): Schema {
  return {
    type: 'object',
    required: ['kind'],
    discriminator: { propertyName: 'kind' },
    oneOf: variants,
  };
}

/** The field that tells variants apart. */
export const kind = (word: string): Schema => ({ const: word });
