import { existsSync } from 'node:fs';
import { FileError, type InputError } from '../../core/errors.js';
import { readTextSync, reasonOf } from './read.js';
import { decodeText } from './text.js';

/** JSON documents of files: the one place that says what is wrong with one. No type is checked. */

/** Class of the errors about a document. */
type FileErrors = typeof InputError;

/** Returns the value of a text, or undefined if it is no JSON. */
export function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Parses the JSON document of a file.
 *
 * @param expected names the document in messages
 * @throws InputError of the class `Errors` if it is no JSON, with the parser's reason in one line
 */
export function parseJson(
  text: string,
  file: string,
  expected: string,
  Errors: FileErrors = FileError,
): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const got =
      text.trim() === '' ? 'an empty file' : (cause as Error).message.replace(/\s+/g, ' ');
    throw Errors.in(file, `expected ${expected} as JSON, got ${got}`, { cause });
  }
}

/** {@link parseJson} of the bytes of a file. @throws DataError if they are no text or no JSON */
export function decodeJson(bytes: Uint8Array, file: string, expected: string): unknown {
  return parseJson(decodeText(bytes, file, expected), file, expected);
}

/**
 * {@link parseJson} of a file on the disk.
 *
 * @param maxBytes a larger file is refused before it is read
 * @throws InputError of the class `Errors` if it cannot be read, or as {@link parseJson}
 */
export function readJson(
  file: string,
  expected: string,
  Errors: FileErrors = FileError,
  maxBytes?: number,
): unknown {
  let text: string;
  try {
    text = readTextSync(file, maxBytes);
  } catch (cause) {
    throw Errors.in(file, `expected ${expected}, got ${reasonOf(cause)}`, { cause });
  }
  return parseJson(text, file, expected, Errors);
}

/** {@link readJson}, or undefined if the file does not exist. */
export function readJsonIfPresent(...[file, ...rest]: Parameters<typeof readJson>): unknown {
  return existsSync(file) ? readJson(file, ...rest) : undefined;
}
