import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { FileError, InputError } from '../../core/errors.js';

/**
 * The one place that opens files to read: folders, pipes and devices are refused before anything is read, since a pipe
 * blocks and a device never ends.
 */

/** Largest read in one call of Node, 2³¹ − 1 bytes. */
const MAX_READ_BYTES = 2 ** 30;
/** Largest file that is read as one text; the scanner of annotations has no limit. */
const MAX_TEXT_BYTES = 2 ** 28;
/**
 * Largest file that is read whole: the largest image that is decoded, without compression. On the disk, a file without
 * content may have any size.
 */
export const MAX_WHOLE_BYTES = 3 * 2 ** 29;
/** Size from which the beginning of a file is looked at first, and how much of it. */
const [LARGE_BYTES, CHECKED_BYTES] = [2 ** 26, 2 ** 12];
/** Largest list of classes or configuration. */
export const MAX_LIST_BYTES = 2 ** 24;
/** A named pipe without writer is opened at once instead of waiting for one. */
const READ_ONLY = constants.O_RDONLY | ((constants as { O_NONBLOCK?: number }).O_NONBLOCK ?? 0);

/** Something other than a file where a file is expected, or one that is too large; the message names it. */
class UnreadableError extends Error {}

/** Opens a file to read. @throws Error of the system, or one that names what else was found */
export async function openFile(file: string): Promise<FileHandle> {
  const handle = await open(file, READ_ONLY);
  try {
    assertFile(await handle.stat());
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** {@link openFile} for synchronous callers, with the size in bytes. */
function openFileSync(file: string): { readonly descriptor: number; readonly size: number } {
  const descriptor = openSync(file, READ_ONLY);
  try {
    const stats = fstatSync(descriptor);
    assertFile(stats);
    return { descriptor, size: stats.size };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function assertFile(stats: Stats): void {
  if (stats.isFile()) return;
  throw new UnreadableError(
    stats.isDirectory()
      ? 'a folder'
      : stats.isFIFO()
        ? 'a named pipe'
        : stats.isSocket()
          ? 'a socket'
          : 'a device',
  );
}

/**
 * Reads a whole file.
 *
 * @throws Error as {@link openFile}
 */
export function readWhole(file: string, maxBytes = Infinity): Uint8Array {
  const { descriptor, size } = openFileSync(file);
  try {
    if (size > maxBytes) throw new UnreadableError(`${size} bytes (at most ${maxBytes})`);
    const { buffer, byteOffset, length } = readFileSync(descriptor);
    return new Uint8Array(buffer, byteOffset, length);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads a text file in UTF-8.
 *
 * @param maxBytes a larger file is refused before it is read
 * @throws Error as {@link openFile}; {@link reasonOf} makes it a reason for the caller's message
 */
export function readTextSync(file: string, maxBytes = MAX_TEXT_BYTES): string {
  return Buffer.from(readWhole(file, maxBytes)).toString('utf8');
}

/** Reason why a file could not be read, for messages: `a folder`, `ENOENT`. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  if (error instanceof InputError) return error.message;
  if (code === 'ENXIO') return 'a socket or device';
  return code ?? String(message);
}

/**
 * Reads a file of any size that a typed array can hold.
 *
 * @param limit number of bytes to read from the beginning; default: all
 * @param assertStart checks the first bytes of a large file before the rest is read
 * @throws DataError if it cannot be read, and what `assertStart` throws
 */
export function readBytes(
  file: string,
  limit = Infinity,
  assertStart?: (start: Uint8Array) => void,
): Promise<Uint8Array> {
  return readable(file, readStart(file, limit, assertStart));
}

async function readStart(
  file: string,
  limit: number,
  assertStart?: (start: Uint8Array) => void,
): Promise<Uint8Array> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    assertWhole(size, limit);
    if (assertStart && Math.min(size, limit) > LARGE_BYTES) {
      const start = new Uint8Array(CHECKED_BYTES);
      await fill(handle, start, 0);
      assertStart(start);
    }
    const bytes = new Uint8Array(Math.min(size, limit));
    const length = await fill(handle, bytes, 0);
    if (length === bytes.length) return bytes;
    throw new Error(`the end of the file after ${length} of ${size} bytes`);
  } finally {
    await handle.close();
  }
}

/**
 * {@link readBytes} without waiting: for many small files on a local disk it is several times as fast, because each of the
 * four steps of an asynchronous read costs more than the step itself.
 *
 * @param limit number of bytes to read from the beginning; default: all
 * @throws DataError if it cannot be read
 */
export function readBytesSync(file: string, limit = Infinity): Uint8Array {
  try {
    const { descriptor, size } = openFileSync(file);
    try {
      assertWhole(size, limit);
      const bytes = new Uint8Array(Math.min(size, limit));
      let length = 0;
      for (let read = 1; read > 0 && length < bytes.length; length += read)
        read = readSync(descriptor, bytes, length, bytes.length - length, length);
      return bytes.subarray(0, length);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    throw FileError.in(file, `expected a readable file, got ${reasonOf(cause)}`, { cause });
  }
}

/** @throws Error for a file that is too large to be read whole */
function assertWhole(size: number, limit: number): void {
  if (Math.min(size, limit) > MAX_WHOLE_BYTES)
    throw new UnreadableError(`${size} bytes (at most ${MAX_WHOLE_BYTES})`);
}

/** Returns the result of `work`, which reads `file`. @throws DataError with the file's name if it fails */
export async function readable<T>(file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const { message } = cause as Error;
    throw FileError.in(file, `expected a readable file, got ${message}`, { cause });
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
