import { basename, extname } from 'node:path';

/**
 * Creates one PNG name per image file; equal names from several folders get numbers. Names are equal if they are on a file
 * system that ignores case or the composition of accents.
 */
export function pngNames(files: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  /** Next number by stem, because thousands of folders may each have a file of one name. */
  const next = new Map<string, number>();
  const take = (name: string): boolean => taken.size < taken.add(folded(name)).size;
  return files.map((file) => {
    const stem = basename(file, extname(file));
    const key = folded(stem);
    let name = `${stem}.png`;
    if (take(name)) return name;
    let n = next.get(key) ?? 2;
    do name = `${stem}-${n++}.png`;
    while (!take(name));
    next.set(key, n);
    return name;
  });
}

const folded = (name: string): string => name.normalize('NFC').toLowerCase();
