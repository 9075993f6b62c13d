import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from './module-url.js';

/**
 * Returns the command that installs an optional package beside this one. In a checkout, npm takes a plain `install` for
 * the optional peer that it left out, and does nothing; with `-D` it installs it.
 *
 * @param spec name and version, such as `koffi@3`
 */
export function installCommand(spec: string): string {
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)));
  // Only a checkout has the sources' configuration.
  return `npm install ${existsSync(join(root, 'tsconfig.build.json')) ? '-D ' : ''}${spec}`;
}
