import { FileError } from '../core/errors.js';
import { isNestedDeeper } from '../core/foreign-value.js';
import type * as t from '../core/schema.js';
import { readJsonIfPresent } from './files/json.js';
import { compileSchema, formatProblems } from './schema.js';

/** Largest document: a thousand classes with their confusions take some MB. */
const MAX_BYTES = 2 ** 26;

/** Largest nesting of a document; programs that walk it recurse. */
const MAX_DEPTH = 64;

/**
 * Reads the JSON document of a file and checks it, or returns undefined if the file does not exist.
 *
 * @param expected names the document in the message
 * @throws DataError if the file is not JSON, nested too deeply or does not fit the schema
 */
export function readCheckedJson<T>(
  file: string,
  schema: t.Schema<T>,
  expected: string,
): T | undefined {
  const value = readJsonIfPresent(file, expected, FileError, MAX_BYTES);
  if (value === undefined) return undefined;
  const problem = problemOf(value, schema);
  if (problem === undefined) return value as T;
  throw FileError.in(file, `expected ${expected}, got a damaged one: ${problem}`);
}

/** Describes the problems of a value in one line; undefined if it fits the schema. */
export function problemOf(value: unknown, schema: t.Schema): string | undefined {
  if (isNestedDeeper(value, MAX_DEPTH)) return `expected at most ${MAX_DEPTH} levels, got more`;
  const problems = compileSchema(schema)(value);
  return problems.length === 0 ? undefined : formatProblems(problems);
}
