import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

/**
 * Lists files below a folder as {@link filesBelow}: paths relative to it with `/`, in order of code units.
 *
 * @param wanted tells by name which files to list
 */
export function listFiles(folder: string, wanted: (name: string) => boolean): readonly string[] {
  return filesBelow(folder)
    .map(([path]) => relative(folder, path).replaceAll(sep, '/'))
    .filter((path) => wanted(path.slice(path.lastIndexOf('/') + 1)))
    .sort();
}

/**
 * Lists the files of a folder and of those below it, without hidden ones. Links are followed, but no folder is visited
 * twice; files come before links in their folder. None if there is no such folder.
 *
 * @returns paths that start with the folder and the files they lead to, undefined for links that lead nowhere
 */
export function filesBelow(folder: string): readonly (readonly [string, string | undefined])[] {
  const visited = new Set<string>();
  const found: (readonly [string, string | undefined])[] = [];
  const visit = (parent: string): void => {
    const realParent = targetOf(parent);
    if (realParent === undefined) return;
    if (visited.size === visited.add(realParent).size) return;
    const links: string[] = [];
    for (const entry of readdirSync(parent, { withFileTypes: true })) {
      const path = join(parent, entry.name);
      if (entry.name.startsWith('.')) continue;
      if (entry.isSymbolicLink()) links.push(path);
      else if (entry.isDirectory()) visit(path);
      else if (entry.isFile()) found.push([path, join(realParent, entry.name)]);
    }
    for (const path of links) {
      const target = targetOf(path);
      if (target !== undefined && statSync(target).isDirectory()) visit(path);
      else found.push([path, target]);
    }
  };
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) visit(folder);
  return found;
}

/** Real path of a file, folder or link; undefined if there is none. */
function targetOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
