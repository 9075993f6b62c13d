import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { quote } from '../problems.js';

/** Checks one record. @returns what is wrong with it, nothing if it fits */
export type RecordCheck = (record: unknown) => readonly string[];

/**
 * Compiles a schema. The check stops at the first error; a record that fails is checked again for all of
 * them, so that good records cost little and bad ones are described in full.
 *
 * @param schema a JSON Schema, draft 7
 */
export function compileCheck(schema: object): RecordCheck {
  let check = compiled.get(schema);
  if (!check) compiled.set(schema, (check = compile(schema)));
  return check;
}

/** Compiling takes longer than checking a small file. */
const compiled = new WeakMap<object, RecordCheck>();

function compile(schema: object): RecordCheck {
  const options = { strict: true, strictRequired: false, allowUnionTypes: true } as const;
  const fits = new Ajv(options).compile(schema);
  let describe: ValidateFunction | undefined;
  return (record) => {
    if (fits(record)) return [];
    describe ??= new Ajv({ ...options, allErrors: true, verbose: true }).compile(schema);
    describe(record);
    const errors = (describe.errors ?? []).filter(
      ({ keyword, schemaPath }) => keyword !== 'if' && !schemaPath.includes('/anyOf/'),
    );
    const messages = errors.slice(0, MAX_MESSAGES).map((error) => describeError(error, record));
    const more = errors.length - messages.length;
    return more > 0 ? [...messages, `and ${more} more`] : messages;
  };
}

/** A polygon of a thousand texts needs no thousand messages. */
const MAX_MESSAGES = 4;

/** `bbox/2: expected number, got "12"`. */
function describeError(error: ErrorObject, record: unknown): string {
  const path = error.instancePath.slice(1);
  const where = path === '' ? '' : `${path}: `;
  const params = error.params as Readonly<Record<string, unknown>>;
  const got = valueAt(record, path);
  switch (error.keyword) {
    case 'type':
      return `${where}expected ${[params['type']].flat().join(' or ')}, got ${quote(got)}`;
    case 'required':
      return `${where}expected a property "${String(params['missingProperty'])}", got none`;
    case 'additionalProperties':
      return `${where}expected no property "${String(params['additionalProperty'])}"`;
    case 'anyOf':
      return `${where}expected a property ${alternatives(error).join(' or ')}, got none of them`;
    case 'enum':
      return `${where}expected one of ${JSON.stringify(params['allowedValues'])}, got ${quote(got)}`;
    case 'minItems':
    case 'maxItems':
      return `${where}expected ${error.keyword === 'minItems' ? 'at least' : 'at most'} ${String(params['limit'])} items, got ${(got as readonly unknown[]).length}`;
    case 'minimum':
    case 'maximum':
      return `${where}expected a number ${String(params['comparison'])} ${String(params['limit'])}, got ${quote(got)}`;
    case 'minLength':
      return `${where}expected a text that is not empty, got ""`;
    default:
      return `${where}${error.message ?? error.keyword}`;
  }
}

function alternatives({ parentSchema }: ErrorObject): readonly string[] {
  const options = (parentSchema?.['anyOf'] ?? []) as readonly { required?: readonly string[] }[];
  return options.flatMap(({ required }) => required ?? []).map((name) => `"${name}"`);
}

function valueAt(record: unknown, path: string): unknown {
  if (path === '') return record;
  let value: unknown = record;
  for (const part of path.split('/')) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
