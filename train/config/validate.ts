import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { nearestWord } from '../../core/nearest-word.js';
import type { Schema } from './schema.js';

/** What is wrong with a configuration, and where. */
export interface ConfigProblem {
  /** `training.crop.scale.0`; empty at the top. */
  readonly path: string;
  /** `expected a number above 0, got "fast"`. */
  readonly message: string;
}

/** Checks a configuration against a schema. @returns all problems, none if it fits */
export function validateConfig(schema: Schema, config: unknown): readonly ConfigProblem[] {
  let check = compiled.get(schema);
  if (!check) {
    const options = { strict: true, strictRequired: false, strictTypes: false } as const;
    check = new Ajv({
      ...options,
      allErrors: true,
      verbose: true,
      discriminator: true,
    }).compile(schema);
    compiled.set(schema, check);
  }
  if (check(config)) return [];
  const problems = new Map<string, ConfigProblem>();
  for (const error of check.errors ?? []) {
    const problem = describe(error);
    // A number that is no number breaks several rules: the first one says it all.
    if (!problems.has(problem.path)) problems.set(problem.path, problem);
  }
  return [...problems.values()];
}

const compiled = new WeakMap<Schema, ValidateFunction>();

function describe(error: ErrorObject): ConfigProblem {
  const path = error.instancePath.slice(1).split('/').join('.');
  const params = error.params as Readonly<Record<string, unknown>>;
  const schema = (error.parentSchema ?? {}) as Schema;
  const got = JSON.stringify(error.data);
  const under = (key: string): string => (path === '' ? key : `${path}.${key}`);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      return { path: under(key), message: unknownKey(key, keysOf(schema)) };
    }
    case 'required': {
      const key = String(params['missingProperty']);
      return { path: under(key), message: `expected a value, got none` };
    }
    case 'discriminator': {
      const kinds = kindsOf(schema);
      const word = String(params['tagValue']);
      return {
        path: under('kind'),
        message: `expected one of ${kinds.join(', ')}, got ${word}; nearest: ${nearestWord(word, kinds)}`,
      };
    }
    case 'enum': {
      const allowed = params['allowedValues'] as readonly string[];
      const hint =
        typeof error.data === 'string' ? `; nearest: ${nearestWord(error.data, allowed)}` : '';
      return { path, message: `expected one of ${allowed.join(', ')}, got ${got}${hint}` };
    }
    case 'minItems':
    case 'maxItems': {
      const { minItems, maxItems } = schema;
      const wanted = minItems === maxItems ? String(minItems) : `at least ${String(minItems)}`;
      const { length } = error.data as readonly unknown[];
      return { path, message: `expected a list of ${wanted}, got ${length}: ${got}` };
    }
    default:
      return { path, message: `expected ${expectation(schema)}, got ${got}` };
  }
}

/** `expected one of …, got lrr; nearest: lr`. */
function unknownKey(key: string, keys: readonly string[]): string {
  return `expected one of ${keys.join(', ')}, got ${key}; nearest: ${nearestWord(key, keys)}`;
}

function keysOf({ properties }: Schema): readonly string[] {
  return Object.keys((properties ?? {}) as object);
}

function kindsOf({ oneOf }: Schema): readonly string[] {
  return (oneOf as readonly Schema[]).map(({ properties }) =>
    String((properties as Readonly<Record<string, Schema>>)['kind']['const']),
  );
}

const NOUNS: Readonly<Record<string, string>> = {
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'settings',
  string: 'a text',
  null: 'null',
};

/** The rule in words: `a number from 0 to 1`. */
function expectation(schema: Schema): string {
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
