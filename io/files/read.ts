import { existsSync, readFileSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { DataError } from '../../core/errors.js';

/** Largest read in one call of Node, 2³¹ − 1 bytes. */
const MAX_READ_BYTES = 2 ** 30;

/**
 * Reads a file of any size that a typed array can hold.
 *
 * @param limit number of bytes to read from the beginning; default: all
 * @throws DataError if it cannot be read
 */
export function readBytes(file: string, limit = Infinity): Promise<Uint8Array> {
  return readable(file, readStart(file, limit));
}

async function readStart(file: string, limit: number): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const bytes = new Uint8Array(Math.min(size, limit));
    const length = await fill(handle, bytes, 0);
    if (length === bytes.length) return bytes;
    throw new Error(`the end of the file after ${length} of ${size} bytes`);
  } finally {
    await handle.close();
  }
}

/** Returns the result of `work`, which reads `file`. @throws DataError with the file's name if it fails */
export async function readable<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const { message } = cause as Error;
    throw DataError.in(file, `expected a readable file, got ${message}`, { cause });
  }
}

/**
 * Reads from `offset`, or from the current position, until `bytes` is full or the file ends.
 *
 * @returns number of bytes read
 */
export async function fill(
  handle: FileHandle,
  bytes: Uint8Array,
  offset: number | null,
): Promise<number> {
  let done = 0;
  while (done < bytes.length) {
    const wanted = Math.min(bytes.length - done, MAX_READ_BYTES);
    const { bytesRead } = await handle.read(
      bytes,
      done,
      wanted,
      offset === null ? null : offset + done,
    );
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/**
 * Reads the JSON document of a file, or returns undefined if the file does not exist. The type is not checked.
 *
 * @param expected names the document in the message
 * @throws DataError if the file is not JSON
 */
export function readJsonIfPresent<T>(file: string, expected: string): T | undefined {
  if (!existsSync(file)) return undefined;
  const text = readFileSync(file, 'utf8');
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw DataError.in(file, `expected ${expected}, got no JSON`, { cause });
  }
}
