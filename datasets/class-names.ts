import { existsSync } from 'node:fs';
import { DataError } from '../core/errors.js';
import { MAX_LIST_BYTES, readWhole, reasonOf } from '../io/files/read.js';
import { decodeText } from '../io/files/text.js';

/**
 * Reads `classes.txt`: one name per line, the first for label 0. Empty lines at the end are dropped.
 *
 * @throws DataError for no names, an empty line between names, or a duplicate name
 */
export function readClassNames(file: string): readonly string[] {
  const names = readLines(file, 'one class name');
  const seen = new Set<string>();
  names.forEach((name, i) => {
    if (name === '')
      throw DataError.in(file, `line ${i + 1}: expected a class name, got an empty line`);
    if (seen.size === seen.add(name).size)
      throw DataError.in(file, `line ${i + 1}: expected each name once, got "${name}" again`);
  });
  return names;
}

/** Lines of a text file without the empty ones at its end. */
export function readLines(file: string, expected: string): readonly string[] {
  let text: string;
  try {
    text = decodeText(readWhole(file, MAX_LIST_BYTES), file, `${expected} a line`);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    const reason = existsSync(file) ? reasonOf(cause) : 'no file';
    throw DataError.in(file, `expected ${expected} a line, got ${reason}`, { cause });
  }
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
}
