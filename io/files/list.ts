import { readdirSync, realpathSync, statSync, type Dirent, type Stats } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { isRun } from './run-mark.js';

/** Names in a folder, sorted, without hidden ones and folders of runs; links are what they lead to. */
export interface Entries {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

/** Lists a folder alone. */
export function entriesOf(folder: string): Entries {
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of entriesIn(folder)) {
    if (entry.name.startsWith('.')) continue;
    const isInside = entry.isSymbolicLink()
      ? isFolder(join(folder, entry.name))
      : entry.isDirectory();
    if (!isInside) files.push(entry.name);
    else if (!isRun(join(folder, entry.name))) folders.push(entry.name);
  }
  return { files: files.sort(), folders: folders.sort() };
}

/**
 * Lists files below a folder as {@link filesBelow}, without pipes and devices: paths relative to it with `/`, in order of code units.
 *
 * @param wanted tells by name which files to list
 */
export function listFiles(folder: string, wanted: (name: string) => boolean): readonly string[] {
  const found: string[] = [];
  visitFiles(folder, (path, name, _, isSpecial) => {
    if (!isSpecial && wanted(name)) found.push(path);
  });
  return found.sort();
}

/**
 * Lists the files of a folder and of those below it, without hidden ones and those of runs. Links are followed, but no folder is visited
 * twice; files come before links in their folder. None if there is no such folder.
 *
 * @returns paths that start with the folder and the files they lead to, undefined for links that lead nowhere, FIFOs and devices
 */
export function filesBelow(folder: string): readonly (readonly [string, string | undefined])[] {
  const found: (readonly [string, string | undefined])[] = [];
  visitFiles(folder, (path, _, target) => {
    found.push([join(folder, path), target()]);
  });
  return found;
}

/**
 * Visits files as {@link filesBelow} lists them; of a large folder only what the visitor keeps is in memory.
 *
 * @param visit called with the path relative to the folder, with `/`, the name, how to find the file it leads to, and whether
 *   that is a pipe or a device
 */
function visitFiles(
  folder: string,
  visit: (path: string, name: string, target: () => string | undefined, isSpecial: boolean) => void,
): void {
  const visited = new Set<string>();
  const visitFolder = (parent: string, prefix: string): void => {
    const realParent = targetOf(parent);
    if (realParent === undefined) return;
    if (visited.size === visited.add(realParent).size) return;
    const links: string[] = [];
    for (const entry of entriesIn(parent)) {
      const { name } = entry;
      if (name.startsWith('.')) continue;
      if (entry.isSymbolicLink()) links.push(name);
      else if (entry.isDirectory()) {
        if (!isRun(join(parent, name))) visitFolder(join(parent, name), `${prefix}${name}/`);
      } else {
        const isFile = entry.isFile();
        visit(prefix + name, name, () => (isFile ? join(realParent, name) : undefined), !isFile);
      }
    }
    for (const name of links) {
      const target = targetOf(join(parent, name));
      const stats = target === undefined ? undefined : statsOf(target);
      if (target !== undefined && stats?.isDirectory()) {
        if (!isRun(target)) visitFolder(join(parent, name), `${prefix}${name}/`);
        continue;
      }
      const isSpecial = stats?.isFile() === false;
      visit(prefix + name, name, () => (isSpecial ? undefined : target), isSpecial);
    }
  };
  if (isFolder(folder)) visitFolder(folder, '');
}

/** Entries of a folder. @throws DataError if it cannot be read */
function entriesIn(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw DataError.in(folder, `expected a file or folder that can be read, got ${code}`, {
      cause,
    });
  }
}

/** Whether a path is a folder, or a link to one. */
export function isFolder(path: string): boolean {
  return statsOf(path)?.isDirectory() ?? false;
}

/** State of a file or folder; undefined if there is none, or none that can be reached: a link to itself, a name too long. */
export function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Real path of a file, folder or link; undefined if there is none. */
function targetOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
