import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './module-url.js';

/**
 * Returns the command that installs an optional package beside this one. In a checkout, npm takes a plain `install` for
 * the optional peer that it left out, and does nothing; with `-D` it installs it.
 *
 * @param spec name and version, such as `koffi@3`
 */
export function installCommand(spec: string): string {
  // Only a checkout has the sources' configuration.
  const isCheckout = existsSync(join(packageRoot(), 'tsconfig.build.json'));
  return `npm install ${isCheckout ? '-D ' : ''}${spec}`;
}
