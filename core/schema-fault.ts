import { quote } from './errors.js';
import { isNestedDeeper, isRecord } from './foreign-value.js';
import type * as t from './schema.js';

/** Deeper values are refused before a check recurses into them. */
const MAX_DEPTH = 32;

/**
 * Finds the first place where a value does not fit a schema made by the functions of `schema.ts`. It reads the schema at every
 * check instead of compiling it to code, which pages without `unsafe-eval` forbid; `io/schema.ts` is faster and describes
 * all problems.
 *
 * @returns `bbox/2: expected integer, got "12"`; undefined for a valid value
 */
export function schemaFault(schema: t.Schema, value: unknown): string | undefined {
  if (isNestedDeeper(value, MAX_DEPTH)) return `expected at most ${MAX_DEPTH} levels, got more`;
  const path: string[] = [];
  const expected = faultAt(schema, value, path);
  return expected === undefined ? undefined : [path.join('/'), expected].filter(Boolean).join(': ');
}

type Rules = Readonly<Record<string, unknown>>;

/** @param path filled with the keys that lead to the fault */
function faultAt(schema: Rules, value: unknown, path: string[]): string | undefined {
  const fault = ownFault(schema, value);
  if (fault !== undefined) return fault;
  if (Array.isArray(value)) {
    const items = schema['items'] as Rules | undefined;
    return items && firstFault(value.entries(), () => items, path);
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Rules;
  const variants = schema['oneOf'] as readonly Rules[] | undefined;
  if (variants) {
    const chosen = variants.find((variant) => kindOf(variant) === fields['kind']);
    if (!chosen)
      return `expected kind ${variants.map(kindOf).join(', ')}, got ${quote(fields['kind'])}`;
    return faultAt(chosen, value, path);
  }
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Rules>>;
  const patterns = Object.values((schema['patternProperties'] ?? {}) as Rules) as readonly Rules[];
  const missing = ((schema['required'] ?? []) as readonly string[]).find(
    (key) => !Object.hasOwn(fields, key) || fields[key] === undefined,
  );
  if (missing !== undefined) return `expected ${missing}, got none`;
  if (schema['additionalProperties'] === false) {
    const unknown = Object.keys(fields).find((key) => !Object.hasOwn(properties, key));
    if (unknown !== undefined)
      return `expected ${Object.keys(properties).join(', ')}, got ${quote(unknown)}`;
  }
  const ruleOf = (key: string): Rules | undefined =>
    Object.hasOwn(properties, key) ? properties[key] : patterns[0];
  return firstFault(
    Object.entries(fields).filter(([, field]) => field !== undefined),
    ruleOf,
    path,
  );
}

const kindOf = (variant: Rules): unknown =>
  ((variant['properties'] as Readonly<Record<string, Rules>>)['kind'] ?? {})['const'];

function firstFault<Key extends string | number>(
  entries: Iterable<readonly [Key, unknown]>,
  ruleOf: (key: Key) => Rules | undefined,
  path: string[],
): string | undefined {
  for (const [key, item] of entries) {
    const rules = ruleOf(key);
    if (!rules) continue;
    path.push(String(key));
    const fault = faultAt(rules, item, path);
    if (fault !== undefined) return fault;
    path.pop();
  }
  return undefined;
}

/** The fault of a value itself, without its items and fields. */
function ownFault(schema: Rules, value: unknown): string | undefined {
  const { type = [] } = schema as { readonly type?: string | readonly string[] };
  const types = typeof type === 'string' ? [type] : type;
  const got = (): string => `got ${quote(value)}`;
  if (types.length > 0 && !types.some((each) => hasType(value, each)))
    return `expected ${types.join(' or ')}, ${got()}`;
  if ('const' in schema && value !== schema['const'])
    return `expected ${String(schema['const'])}, ${got()}`;
  const words = schema['enum'] as readonly unknown[] | undefined;
  if (words && !words.includes(value)) return `expected ${words.join(', ')}, ${got()}`;
  if (typeof value === 'number') {
    const { minimum, exclusiveMinimum, maximum } = schema as Readonly<Record<string, number>>;
    if (minimum !== undefined && !(value >= minimum))
      return `expected at least ${minimum}, ${got()}`;
    if (exclusiveMinimum !== undefined && !(value > exclusiveMinimum))
      return `expected more than ${exclusiveMinimum}, ${got()}`;
    if (maximum !== undefined && !(value <= maximum))
      return `expected at most ${maximum}, ${got()}`;
  }
  if (typeof value === 'string' && value.length < Number(schema['minLength'] ?? 0))
    return `expected a text, ${got()}`;
  if (Array.isArray(value)) {
    const { minItems = 0, maxItems = Infinity } = schema as Readonly<Record<string, number>>;
    if (value.length < minItems || value.length > maxItems)
      return `expected a list of ${minItems === maxItems ? '' : 'at least '}${minItems}, got ${value.length}`;
  }
  return undefined;
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isRecord(value);
    default:
      return typeof value === type;
  }
}
