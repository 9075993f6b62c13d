import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DataError } from '../../core/errors.js';

/** Largest single read; the system takes no more than 2³¹ bytes at once. */
const CHUNK_BYTES = 1 << 28;

/** The bytes of a file of any size that one typed array can hold. @throws DataError if it cannot be read */
export function readBytes(file: string): Uint8Array {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { size } = fstatSync(handle);
    const bytes = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const count = readSync(handle, bytes, at, Math.min(CHUNK_BYTES, size - at), at);
      if (count === 0) throw new Error(`the end of the file after ${at} of ${size} bytes`);
      at += count;
    }
    return bytes;
  } catch (cause) {
    const { message } = cause as Error;
    throw new DataError(`${file}: expected a readable file, got ${message}`, { cause, file });
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
