import { DataError } from '../../core/errors.js';
import { readWhole, reasonOf } from '../../io/files/read.js';

/** Reads the file of a partial result. @throws DataError if it cannot be read */
export function partBytes(file: string): Uint8Array {
  try {
    // Copied, because the bytes may be a view of a larger buffer.
    return readWhole(file).slice();
  } catch (cause) {
    throw DataError.in(file, `expected a partial result, got ${reasonOf(cause)}`, { cause });
  }
}
