import { FileError } from '../../core/errors.js';
import { decodeText } from './text.js';

/**
 * Decodes the JSON document of a file. The type is not checked.
 *
 * @param expected names the document in messages
 * @throws DataError if it is no text or no JSON, with the position
 */
export function decodeJson(bytes: Uint8Array, file: string, expected: string): unknown {
  const text = decodeText(bytes, file, expected);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const got = text.trim() === '' ? 'an empty file' : (cause as Error).message.split('\n')[0];
    throw FileError.in(file, `expected ${expected} as JSON, got ${got}`, { cause });
  }
}
