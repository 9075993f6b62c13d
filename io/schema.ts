import { createRequire } from 'node:module';
import type { Ajv, ErrorObject, Options, ValidateFunction } from 'ajv';
import { quote } from '../core/errors.js';
import { oneLine } from '../core/controls.js';
import { hasMoreItems } from '../core/foreign-value.js';
import { expectedWord } from '../core/nearest-word.js';
import { printable } from '../core/printable.js';

/** One problem of a value. */
interface SchemaProblem {
  /** Path of keys and indices, `bbox/2`; empty for the value itself. */
  readonly path: string;
  /** `expected a number from 0, got "fast"`. */
  readonly message: string;
  /** Fields that are known, where this one is not. */
  readonly known?: readonly string[] | undefined;
}

/** Checks a value. @returns all problems, one per path; none if it is valid */
export type SchemaCheck = (value: unknown) => readonly SchemaProblem[];

type JsonSchema = Readonly<Record<string, unknown>>;

/** Compiled lazily, because compiling takes longer than checking a small file. */
const compiled = new WeakMap<object, SchemaCheck>();

/**
 * Compiles a schema, once. The check stops at the first error; an invalid value is checked again for all errors, so that
 * valid values are checked fast and invalid ones described in full.
 *
 * @param schema a JSON Schema, draft 7; `oneOf` may have a `discriminator`
 * @see https://ajv.js.org/json-schema.html
 */
export function compileSchema(schema: object): SchemaCheck {
  let check = compiled.get(schema);
  if (!check) compiled.set(schema, (check = compile(schema)));
  return check;
}

const OPTIONS: Options = {
  strict: true,
  strictRequired: false,
  strictTypes: false,
  discriminator: true,
  // Our schemas are constants: compiling the schema of schemas to check them takes longer than all the rest.
  validateSchema: false,
  meta: false,
  // Optimized code saves next to nothing of a check, and takes half the time of compiling a model card's schema.
  code: { optimize: false },
};

/** Values with more items are described by their first problem: each of them may be another one. */
const MAX_DESCRIBED = 100_000;

/** Creates a compiler. Its package is loaded with the first schema that is compiled, because few commands need one. */
function createAjv(options: Options): Ajv {
  const ajv = createRequire(import.meta.url)('ajv') as typeof import('ajv');
  return new ajv.Ajv(options);
}

function compile(schema: object): SchemaCheck {
  const fits = createAjv({ ...OPTIONS, verbose: true }).compile(schema);
  let describe: ValidateFunction | undefined;
  return (value) => {
    if (fits(value)) return [];
    let { errors } = fits;
    if (!hasMoreItems(value, MAX_DESCRIBED)) {
      describe ??= createAjv({ ...OPTIONS, allErrors: true, verbose: true }).compile(schema);
      describe(value);
      ({ errors } = describe);
    }
    const problems = new Map<string, SchemaProblem>();
    for (const error of errors ?? []) {
      if (error.keyword === 'if' || error.schemaPath.includes('/anyOf/')) continue;
      const problem = describeError(error);
      // NaN violates several rules; the first one suffices.
      if (!problems.has(problem.path)) problems.set(problem.path, problem);
    }
    return [...problems.values()];
  };
}

/** Formats problems in one line: `bbox/2: expected a number, got "12"; id: …; and 3 more`. */
export function formatProblems(problems: readonly SchemaProblem[], most = 4): string {
  const lines = problems
    .slice(0, most)
    .map(({ path, message }) => oneLine(path === '' ? message : `${path}: ${message}`));
  const more = problems.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function describeError(error: ErrorObject): SchemaProblem {
  const path = error.instancePath.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
  const params = error.params as JsonSchema;
  const schema = (error.parentSchema ?? {}) as JsonSchema;
  const got = quote(error.data);
  const under = (key: unknown): string => (path === '' ? String(key) : `${path}/${String(key)}`);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys(schema['properties'] ?? {});
      return { path: under(key), message: expectedWord(known, printable(key), key), known };
    }
    case 'required':
      return { path: under(params['missingProperty']), message: 'expected a value, got none' };
    case 'discriminator': {
      const key = String(params['tag']);
      const kinds = (schema['oneOf'] as readonly JsonSchema[]).map(({ properties }) =>
        String((properties as Readonly<Record<string, JsonSchema>>)[key]['const']),
      );
      // Of a foreign file the value may be an object whose toString is no function.
      const tag = params['tagValue'];
      return typeof tag === 'string'
        ? { path: under(key), message: expectedWord(kinds, printable(tag), tag) }
        : { path: under(key), message: expectedWord(kinds, quote(tag)) };
    }
    case 'enum': {
      const allowed = (params['allowedValues'] as readonly unknown[]).map(String);
      const word = typeof error.data === 'string' ? error.data : undefined;
      return { path, message: expectedWord(allowed, got, word) };
    }
    case 'anyOf': {
      const names = (schema['anyOf'] as readonly JsonSchema[]).flatMap(({ required }) => required);
      return { path, message: `expected ${names.join(' or ')}, got none of them` };
    }
    case 'minItems':
    case 'maxItems': {
      const { minItems, maxItems } = schema;
      const wanted = minItems === maxItems ? String(minItems) : `at least ${String(minItems)}`;
      const { length } = error.data as readonly unknown[];
      return { path, message: `expected a list of ${wanted}, got ${length}: ${got}` };
    }
    case 'minLength':
      return { path, message: 'expected a text that is not empty, got ""' };
    default:
      return { path, message: `expected ${expectation(schema)}, got ${got}` };
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  string: 'a text',
  null: 'null',
};

/** Describes the rule in words: `a number from 0 to 1`. */
function expectation(schema: JsonSchema): string {
  const { type, minimum, exclusiveMinimum, maximum, multipleOf } = schema;
  if ('const' in schema) return String(schema['const']);
  const types = [type].flat() as readonly string[];
  const [first, ...rest] = types.map((name) => NOUNS[name] ?? name);
  const bounds = [
    minimum === undefined ? '' : ` from ${String(minimum)}`,
    exclusiveMinimum === undefined ? '' : ` above ${String(exclusiveMinimum)}`,
    maximum === undefined ? '' : ` to ${String(maximum)}`,
    multipleOf === undefined ? '' : ` that is a multiple of ${String(multipleOf)}`,
  ].join('');
  return [first + bounds, ...rest].join(' or ');
}
