import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { readText } from '../../io/files/text.js';
import { filesIn, folderNamed, startOf } from './folder-names.js';
import { splitLists } from './split-names.js';
import type { SplitName } from './types.js';

/** Keys of darknet's files by split. */
const KEYS = { train: ['train'], val: ['valid', 'val'], test: ['test'] } as const;

/**
 * Finds the text files with the images of the splits, as darknet has them: those of a file `*.data` (`train = data/train.txt`,
 * `valid = …`), or else `train.txt` and `val.txt`, in the folder or in `data/` in it.
 */
export function darknetLists(root: string): ReadonlyMap<SplitName, string> {
  const folders = [root, folderNamed(root, ['data'])].filter((folder) => folder !== undefined);
  for (const folder of folders) {
    const file = filesIn(folder).find(
      (path) => extname(path).toLowerCase() === '.data' && /^\s*train\s*=/m.test(startOf(path)),
    );
    if (file !== undefined) return listsOf(file, [folder, root]);
  }
  return folders.map((folder) => splitLists(folder)).find((lists) => lists.size > 0) ?? new Map();
}

function listsOf(file: string, bases: readonly string[]): ReadonlyMap<SplitName, string> {
  const lines = readText(file, 'a file of darknet').split('\n');
  const values = new Map(
    lines.map((line) => {
      const [key, ...value] = line.split('=');
      return [key.trim().toLowerCase(), value.join('=').trim()] as const;
    }),
  );
  const found = new Map<SplitName, string>();
  for (const [split, keys] of Object.entries(KEYS)) {
    const path = keys.map((key) => values.get(key)).find((value) => value);
    const list = path && located(path, [...bases, dirname(file)]);
    if (list) found.set(split as SplitName, list);
  }
  return found;
}

/** Finds a file by the end of a path, which is relative to the folder where darknet was started. */
function located(path: string, bases: readonly string[]): string | undefined {
  const words = path.split(/[/\\]/);
  return words
    .flatMap((_, i) => bases.map((base) => join(base, ...words.slice(i))))
    .find((file) => existsSync(file));
}
