import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SPLIT_NAMES } from '../segmentation-folder.js';
import type { SplitName } from './types.js';

/** Names of folders with images, ignoring case. */
export const IMAGE_FOLDERS = [
  'jpegimages',
  'pngimages',
  'images',
  'image',
  'imgs',
  'img',
  'photos',
  'pictures',
  'jpegs',
  'jpg',
  'png',
];

/** Whether a folder holds masks or labels by its name: `masks`, `PedMasks`, `SegmentationClass`, `gtFine`. */
export function isLabelFolder(name: string): boolean {
  return /masks?$|^instances?$|^labels?$|^annotations?$|^segmentation|^gt(fine|coarse)?$/i.test(
    name,
  );
}

/** Finds a folder in another one by the first of several names that exists, ignoring case. */
export function folderNamed(folder: string, names: readonly string[]): string | undefined {
  const found = new Map(foldersIn(folder).map((name) => [name.toLowerCase(), name]));
  const name = names.map((wanted) => found.get(wanted.toLowerCase())).find((n) => n !== undefined);
  return name === undefined ? undefined : join(folder, name);
}

/** Finds the folders of the splits in a folder: `train`, `val` or `valid`, `test`. */
export function splitFolders(folder: string): ReadonlyMap<SplitName, string> {
  const found = new Map<SplitName, string>();
  for (const [split, names] of Object.entries(SPLIT_NAMES)) {
    const path = folderNamed(folder, names);
    if (path !== undefined) found.set(split as SplitName, path);
  }
  return found;
}

/** Names of the folders in a folder, sorted, without hidden ones; none if there is no such folder. */
export function foldersIn(folder: string): readonly string[] {
  return entriesOf(folder)
    .filter((entry) =>
      entry.isSymbolicLink() ? isFolder(join(folder, entry.name)) : entry.isDirectory(),
    )
    .map(({ name }) => name);
}

/** Finds the first file, by name, with an extension in a folder or, up to a depth, below it. @returns its path */
export function firstFile(
  folder: string,
  wanted: (name: string) => boolean,
  depth = 0,
): string | undefined {
  const own = entriesOf(folder).find((entry) => !entry.isDirectory() && wanted(entry.name));
  if (own) return join(folder, own.name);
  if (depth === 0) return undefined;
  for (const name of foldersIn(folder)) {
    const found = firstFile(join(folder, name), wanted, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Paths of the files in a folder, in order of name, without hidden ones; none if there is no such folder. */
export function filesIn(folder: string): readonly string[] {
  return entriesOf(folder)
    .filter((entry) => !entry.isDirectory())
    .map(({ name }) => join(folder, name));
}

/** The first 4096 bytes of a file as Latin-1, without the zeros of UTF-16: enough to tell what it is. */
export function startOf(file: string): string {
  const handle = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(4096);
    const length = readSync(handle, bytes, 0, bytes.length, 0);
    return bytes.subarray(0, length).toString('latin1').replaceAll('\0', '');
  } finally {
    closeSync(handle);
  }
}

/** Whether a path is a folder, or a link to one. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function entriesOf(folder: string): ReturnType<typeof listing> {
  return isFolder(folder) ? listing(folder) : [];
}

function listing(folder: string) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
