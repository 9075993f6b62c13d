import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { OutputError } from '../../core/errors.js';

/**
 * Checks before any work that an output folder (`--out`) can be written, or created in the nearest existing folder. Creates
 * and writes nothing; a full disk is only noticed later.
 *
 * @param option flag that names the folder, or a file in it
 * @throws ConfigError with the system's message
 */
export function assertWritableFolder(folder: string, option = '--out'): void {
  const flags = { [`folder ${folder}`]: `${option} ${folder}` };
  let nearest = resolve(folder);
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  // Making a folder there with those above it never ends.
  if (/^\/proc(\/|$)/.test(realpathSync(nearest)))
    throw new OutputError(`folder ${folder}: expected a folder of files, got one of processes`, {
      flags,
    });
  if (!statSync(nearest).isDirectory())
    throw new OutputError(`folder ${folder}: expected a folder, got the file ${nearest}`, {
      flags,
    });
  try {
    // A read-only file system rejects root as well.
    accessSync(nearest, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new OutputError(
      `folder ${folder}: expected a folder that can be written, got ${(cause as Error).message}; ` +
        'choose another one or change its permissions',
      { cause, flags },
    );
  }
}
