import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigError } from '../../core/errors.js';

/**
 * Writes a new folder under a temporary name and renames it when it is complete. If writing fails, nothing is left.
 *
 * @param write fills the folder of the given path
 * @throws ConfigError if the folder exists and is not empty
 */
export async function writeNewFolder(
  folder: string,
  write: (partial: string) => Promise<void>,
): Promise<void> {
  const target = resolve(folder);
  if (existsSync(target) && readdirSync(target).length > 0)
    throw new ConfigError(`${folder}: expected a folder that is empty or does not exist yet`);
  await mkdir(dirname(target), { recursive: true });
  const partial = await mkdtemp(join(dirname(target), `.${basename(target)}.partial-`));
  try {
    await write(partial);
    await rm(target, { recursive: true, force: true }); // at most an empty folder
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
