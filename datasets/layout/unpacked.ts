import { basename, join } from 'node:path';
import { filesIn, foldersIn, IMAGE_FOLDERS, isLabelFolder } from './folder-names.js';
import { splitNamed } from './split-names.js';

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
    splitNamed(name) !== undefined ||
    IMAGE_FOLDERS.includes(name.toLowerCase()) ||
    isLabelFolder(name);
  return isOfLayout ? undefined : join(path, name);
}
