import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { entriesOf, isFolder, type Entries } from '../../io/files/list.js';
import { readBytesSync } from '../../io/files/read.js';
import { errorAsValueSync } from '../problems.js';
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

/** Finds a folder of annotations by its names, or else makesense.ai's: `labels_my-project-name_2026-…`. */
export function annotationFolder(folder: string, names: readonly string[]): string | undefined {
  const exported = foldersIn(folder).filter((name) => /^labels_/i.test(name));
  return folderNamed(folder, [...names, ...(exported.length === 1 ? exported : [])]);
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
  return listingOf(folder).folders;
}

/** Finds the first file, by name, that is wanted in a folder or, up to a depth, below it. @returns its path */
export function firstFile(
  folder: string,
  wanted: (name: string) => boolean,
  depth = 0,
): string | undefined {
  const { files, folders } = listingOf(folder);
  const own = files.find(wanted);
  if (own !== undefined) return join(folder, own);
  if (depth === 0) return undefined;
  for (const name of folders) {
    const found = firstFile(join(folder, name), wanted, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Paths of the files in a folder, in order of name, without hidden ones; none if there is no such folder. */
export function filesIn(folder: string): readonly string[] {
  return listingOf(folder).files.map((name) => join(folder, name));
}

/** The first 4096 bytes of a file as Latin-1, without the zeros of UTF-16: enough to tell what it is; none of a file that cannot be read. */
export function startOf(file: string): string {
  const bytes = errorAsValueSync(() => readBytesSync(file, 4096));
  return bytes instanceof DataError
    ? ''
    : Buffer.from(bytes).toString('latin1').replaceAll('\0', '');
}

/** Files that archives have beside the folder of a set, and the archives themselves. */
const BESIDE = /^(readme|licen[cs]e)|\.(zip|tar|t?gz|7z|rar)$/i;
/** Folders that are parts of a layout. */
const OF_LAYOUT = /^(voc(devkit|\d{4})|default|leftimg8bit)$/i;

/**
 * Finds the folder of a set that was unpacked into a folder of its own: the only one of the folder, with nothing beside it
 * that belongs to a set, and not one of a layout itself such as `images`.
 */
export function unpackedFolder(path: string): string | undefined {
  if (filesIn(path).some((file) => !BESIDE.test(basename(file)))) return undefined;
  const [name, ...others] = foldersIn(path).filter((folder) => folder !== '__MACOSX');
  if (name === undefined || others.length > 0) return undefined;
  const isOfLayout =
    OF_LAYOUT.test(name) ||
    Object.values(SPLIT_NAMES)
      .flat()
      .some((split) => split === name.toLowerCase()) ||
    IMAGE_FOLDERS.includes(name.toLowerCase()) ||
    isLabelFolder(name);
  return isOfLayout ? undefined : join(path, name);
}

/** Listings of the folders that one recognition looks at many times, with what tells whether a folder has changed. */
const listings = new Map<string, Entries & { readonly stamp: string }>();
/** A change this long ago has another time than later ones, however coarse the clock of the file system is. */
const SETTLED_MS = 3000;

/** Forgets listings, which may be large, when the recognition of a set ends. */
export function forgetListings(): void {
  listings.clear();
}

function listingOf(folder: string): Entries {
  if (!isFolder(folder)) return { files: [], folders: [] };
  const stats = statSync(folder, { bigint: true });
  const stamp = `${stats.dev} ${stats.ino} ${stats.mtimeNs}`;
  const known = listings.get(folder);
  if (known?.stamp === stamp) return known;
  const listing = { stamp, ...entriesOf(folder) };
  if (Date.now() - Number(stats.mtimeMs) > SETTLED_MS) listings.set(folder, listing);
  return listing;
}
