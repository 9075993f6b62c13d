import { createHash } from 'node:crypto';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError, OutputError } from '../../core/errors.js';
import { failedWrite } from './atomic.js';
import { isRunning } from './lock.js';

/** Most bytes of a temporary folder's name that are of the folder; the host has up to 64, the system allows 255. */
const MAX_PART_BYTES = 64;

/**
 * Writes a new folder under a temporary name and renames it when it is complete. If writing fails, nothing is left.
 *
 * @param write fills the folder of the given path
 * @throws ConfigError if the folder exists and is not empty, also at the end
 */
export async function writeNewFolder(
  folder: string,
  write: (partial: string) => Promise<void>,
): Promise<void> {
  const target = existsSync(folder) ? realpathSync(folder) : resolve(folder);
  let partial: string | undefined;
  try {
    if (existsSync(target)) assertEmpty(target, folder);
    await mkdir(dirname(target), { recursive: true });
    const prefix = `.${shortName(basename(target))}.partial-`;
    await removeLeftovers(dirname(target), prefix);
    const own = `${prefix}${hostname().replace(/[^\w.]/g, '_')}-${process.pid}-`;
    partial = await mkdtemp(join(dirname(target), own));
    // Temporary folders are private, the finished one is not.
    await chmod(partial, 0o777 & ~process.umask());
    await write(partial);
    await removeEmpty(target, folder);
    await rename(partial, target);
  } catch (error) {
    if (partial !== undefined)
      await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    throw error instanceof InputError ? error : failedWrite(error, folder);
  }
}

/** @throws ConfigError for a file, and for a folder with files */
function assertEmpty(target: string, folder: string): void {
  if (!statSync(target).isDirectory())
    throw new OutputError(`${folder}: expected a folder, got a file; choose another name`);
  if (readdirSync(target).length > 0)
    throw new OutputError(`${folder}: expected a folder that is empty or does not exist yet`);
}

/** Name of a folder as a part of another one, which may be no longer than names can be. */
function shortName(name: string): string {
  if (Buffer.byteLength(name) <= MAX_PART_BYTES) return name;
  return createHash('sha256').update(name).digest('hex').slice(0, MAX_PART_BYTES);
}

/** Another process may have filled the folder meanwhile, which stays. */
async function removeEmpty(target: string, folder: string): Promise<void> {
  try {
    await rmdir(target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    throw new OutputError(
      `${folder}: expected it to stay empty, got files of another process meanwhile; choose another folder`,
      { cause: error },
    );
  }
}

/** Removes what killed processes of this machine have left. */
async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  const own = `${prefix}${hostname().replace(/[^\w.]/g, '_')}-`;
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(own) ? /^(\d+)-\w+$/.exec(name.slice(own.length))?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid)))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}
