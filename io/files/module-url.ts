import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * URL of a module for a worker thread, which runs JavaScript only: if the caller runs from TypeScript (in tests), the
 * built file in `dist/`.
 *
 * @param path relative to the caller, ending in `.js`
 * @param caller its `import.meta.url`
 */
export function moduleUrl(path: string, caller: string): URL {
  const url = new URL(path, caller);
  if (!new URL(caller).pathname.endsWith('.ts')) return url;
  const file = fileURLToPath(url);
  const root = packageRoot(dirname(file));
  return pathToFileURL(join(root, 'dist', relative(root, file)));
}

/** Folder of the next `package.json` from a folder upward; default: that of this package. */
export function packageRoot(folder = dirname(fileURLToPath(import.meta.url))): string {
  const parent = dirname(folder);
  return existsSync(join(folder, 'package.json')) || parent === folder
    ? folder
    : packageRoot(parent);
}
