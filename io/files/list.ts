import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Lists the files below a folder: paths relative to it with `/`, in order of code units, without hidden ones. Links are
 * followed, each folder once.
 *
 * @param wanted tells by name which files to list
 * @returns none if the folder does not exist
 */
export async function listFiles(
  folder: string,
  wanted: (name: string) => boolean,
): Promise<readonly string[]> {
  const found: string[] = [];
  const visited = new Set<string>();
  const visit = async (path: string, prefix: string): Promise<void> => {
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined || visited.has(real)) return;
    visited.add(real);
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const { name } = entry;
      if (name.startsWith('.')) continue;
      const isFolder = entry.isSymbolicLink()
        ? await stat(join(path, name)).then(
            (target) => target.isDirectory(),
            () => false,
          )
        : entry.isDirectory();
      if (isFolder) await visit(join(path, name), `${prefix}${name}/`);
      else if (wanted(name)) found.push(prefix + name);
    }
  };
  await visit(folder, '');
  return found.sort();
}
