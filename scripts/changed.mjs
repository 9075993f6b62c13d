// Tells whether the sources changed since the last build, by the paths, sizes and times of files.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name of the file that a build leaves in its folder. */
const STAMP = '.built-from';
const OTHERS = /^(\.|node_modules|dist|docs|runs|site-docs|test|coverage|examples|predictions)/;

/**
 * Hash of what a build reads.
 *
 * @param {string} root folder of the checkout
 */
export function sourceHash(root) {
  const hash = createHash('sha256').update(process.version.split('.')[0]);
  const visit = (path) => {
    const stat = statSync(join(root, path));
    if (stat.isDirectory())
      for (const name of readdirSync(join(root, path)).sort()) visit(join(path, name));
    else hash.update(`${path} ${stat.size} ${stat.mtimeMs}\n`);
  };
  for (const name of readdirSync(root).sort()) if (!OTHERS.test(name)) visit(name);
  return hash.digest('hex');
}

/**
 * Whether dist/ is what the sources give.
 *
 * @param {string} root
 */
export function isBuilt(root) {
  const stamp = join(root, 'dist', STAMP);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourceHash(root);
}

/**
 * Notes that dist/ is what the sources give.
 *
 * @param {string} root
 */
export function noteBuild(root) {
  writeFileSync(join(root, 'dist', STAMP), sourceHash(root));
}
