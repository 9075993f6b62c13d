import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OutputError, WriteError } from '../../core/errors.js';
import { crc32 } from '../crc32.js';
import { crc32Text } from './checksum.js';

/** Largest single write, so that a tensor of several GB neither exceeds Node's limit nor blocks for long. */
const CHUNK_BYTES = 2 ** 26;

/** Identity of a written file. */
export interface WrittenFile {
  readonly file: string;
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
  /** CRC-32, hexadecimal. */
  readonly crc32: string;
}

/** Appends bytes to the file being written. */
type WriteBytes = (bytes: ArrayBufferView) => Promise<void>;

/**
 * Writes a file atomically: temporary name in the same folder, fsync, rename, fsync of the folder. Missing folders are
 * created. If writing fails, the temporary file is removed and an existing file is kept.
 *
 * @param content all bytes, or a function that appends them piece by piece
 * @throws WorkError with the file's name if the system refuses: disk full, folder not writable; ConfigError for a device
 */
export async function writeAtomically(
  file: string,
  content: ArrayBufferView | ((write: WriteBytes) => Promise<void>),
): Promise<WrittenFile> {
  const temporary = temporaryName(file);
  const hash = createHash('sha256');
  let crc = 0;
  let bytes = 0;
  assertNoDevice(file);
  const handle = await mkdir(dirname(file), { recursive: true })
    .then(() => open(temporary, 'wx'))
    .catch((error: unknown) => {
      throw failedWrite(error, file);
    });
  const write: WriteBytes = async (view) => {
    for (let start = 0; start < view.byteLength; start += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, view.byteLength - start);
      const chunk = new Uint8Array(view.buffer, view.byteOffset + start, length);
      hash.update(chunk);
      crc = crc32(chunk, crc);
      await writeFully(handle, chunk);
      bytes += length;
    }
  };
  try {
    try {
      await (typeof content === 'function' ? content(write) : write(content));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error says more
    throw failedWrite(error, file);
  }
  syncFolder(dirname(file));
  return { file, bytes, sha256: hash.digest('hex'), crc32: crc32Text(crc) };
}

/** {@link writeAtomically} for a JSON document. */
export function writeJsonAtomically(file: string, value: unknown): Promise<WrittenFile> {
  return writeAtomically(file, new TextEncoder().encode(jsonText(value)));
}

/** {@link writeAtomically} for a text in pieces. */
export function writeTextAtomically(
  file: string,
  pieces: AsyncIterable<string>,
): Promise<WrittenFile> {
  const encoder = new TextEncoder();
  return writeAtomically(file, async (write) => {
    for await (const piece of pieces) await write(encoder.encode(piece));
  });
}

/** Creates a folder and those above it. @throws WorkError if the system refuses */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw failedWrite(error, folder);
  }
}

/** {@link writeAtomically} for synchronous callers. */
export function writeAtomicallySync(file: string, content: string | Uint8Array): void {
  const temporary = temporaryName(file);
  assertNoDevice(file);
  try {
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(temporary, 'wx');
    try {
      writeFileSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    try {
      rmSync(temporary, { force: true });
    } catch {
      // The first error says more.
    }
    throw failedWrite(error, file);
  }
  syncFolder(dirname(file));
}

/** Refuses to put a file in the place of a device, pipe or socket, which a rename does: `--out /dev/null`. @throws ConfigError */
function assertNoDevice(file: string): void {
  const stats = entryOf(file);
  if (!stats || stats.isFile() || stats.isSymbolicLink() || stats.isDirectory()) return;
  throw OutputError.in(
    file,
    'expected a new file or one to replace, got a device, pipe or socket; choose another name',
  );
}

/** State of a file, folder or link; undefined for none, and for one that cannot be reached, which the write tells better. */
function entryOf(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch {
    return undefined;
  }
}

/** Formats a JSON document for a file: indented, with a final newline. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Names of files that are being written, or were when their process ended. */
export const TEMPORARY = /\.\d+(-[\da-f]+)?\.tmp$/;

/** Removes what processes that were killed while they wrote have left in a folder and those below it. */
export function removeTemporaryFiles(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }))
    if (TEMPORARY.test(name)) rmSync(join(folder, name), { force: true });
}

/**
 * Name of a new file in the folder of `file`, to be opened with the flag `wx`: no other process has it, also not one of
 * another container with the same number, and nobody can have put a link there before. It is short, because that of `file`
 * may be as long as names can be.
 */
export const temporaryName = (file: string): string =>
  join(dirname(file), `.${process.pid}-${randomBytes(6).toString('hex')}.tmp`);

/**
 * Error for a failed write that names the file and says that the existing one is unchanged; the system's message does
 * neither.
 */
export function failedWrite(error: unknown, file: string): unknown {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  return new WriteError(
    `${file}: expected to write it, got ${String(message)}; what was there before is unchanged${remedyOf(code)}`,
    { cause: error },
  );
}

function remedyOf(code: string): string {
  if (/^E(NOSPC|DQUOT)$/.test(code)) return '; make room there, or choose another folder';
  if (/^E(ROFS|ACCES|PERM)$/.test(code)) return '; choose a folder that can be written';
  return '';
}

async function writeFully(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength;) {
    done += (await handle.write(chunk, done, chunk.byteLength - done)).bytesWritten;
  }
}

/** Makes a rename durable by syncing the folder. Errors of systems that cannot open or sync a folder are ignored. */
export function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  } catch {
    // EISDIR, EINVAL or EPERM.
  }
}
