import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../../core/errors.js';

/**
 * Checks before any work that the folder of `--out` can be written, or made in the nearest folder that is there; a full disk
 * shows only later. Makes and writes nothing.
 *
 * @throws ConfigError with what the system says
 */
export function assertWritableFolder(folder: string): void {
  let nearest = resolve(folder);
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  if (!statSync(nearest).isDirectory())
    throw new ConfigError(`--out ${folder}: expected a folder, got the file ${nearest}`);
  try {
    // A read-only file system refuses root as well.
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new ConfigError(
      `--out ${folder}: expected a folder that can be written, got ${(cause as Error).message}; ` +
        'choose another one or change its permissions',
      { cause },
    );
  }
}
