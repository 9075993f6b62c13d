import { basename, extname, join } from 'node:path';
import { SPLIT_NAMES } from '../segmentation-folder.js';
import { filesIn, folderNamed, foldersIn } from './folder-names.js';
import type { SplitName } from './types.js';

/** Finds the split that a file or folder is named after: `train_labels.csv`, `via-val.json`; undefined if there is none. */
export function splitOfName(name: string): SplitName | undefined {
  const words = name.toLowerCase().split(/[^a-z]+/);
  return splitWith((names) => words.some((word) => names.includes(word)));
}

/** Finds the split of exactly this name, ignoring case: `train`, `Validation`. */
export function splitNamed(name: string): SplitName | undefined {
  return splitWith((names) => names.includes(name.toLowerCase()));
}

function splitWith(isNamed: (names: readonly string[]) => boolean): SplitName | undefined {
  const found = Object.entries(SPLIT_NAMES).find(([, names]) => isNamed(names));
  return found?.[0] as SplitName | undefined;
}

/** The folders of a set in the layout of VOC: those of the years below `VOCdevkit/`, or the root. */
export function vocFolders(root: string): readonly string[] {
  const devkit = folderNamed(root, ['VOCdevkit']) ?? root;
  const years = foldersIn(devkit).filter((name) => /^VOC\d{4}$/i.test(name));
  return years.length > 0 ? years.map((name) => join(devkit, name)) : [root];
}

/** Finds the folder of such lists in a set in the layout of VOC: `ImageSets/Main`. */
export function listFolder(root: string, kind: 'Main' | 'Segmentation'): string | undefined {
  const sets = folderNamed(root, ['ImageSets']);
  return sets === undefined ? undefined : folderNamed(sets, [kind]);
}

/** Finds the lists of the images of the splits in a folder: `train.txt`, `Validation.txt`; `trainval.txt` where there is no `train.txt`. */
export function splitLists(folder = ''): ReadonlyMap<SplitName, string> {
  const found = new Map<SplitName, string>();
  let both: string | undefined;
  for (const file of filesIn(folder)) {
    if (extname(file).toLowerCase() !== '.txt') continue;
    const name = basename(file, extname(file));
    const split = splitNamed(name);
    if (split !== undefined && !found.has(split)) found.set(split, file);
    else if (name.toLowerCase() === 'trainval') both = file;
  }
  if (both !== undefined && !found.has('train')) found.set('train', both);
  const order: readonly SplitName[] = ['train', 'val', 'test'];
  return new Map([...found].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}
