import { basename, extname } from 'node:path';

/** Creates one PNG name per image file; equal names from several folders get numbers. */
export function pngNames(files: readonly string[]): readonly string[] {
  const taken = new Set<string>();
  return files.map((file) => {
    const stem = basename(file, extname(file));
    let name = `${stem}.png`;
    for (let n = 2; taken.has(name); n++) name = `${stem}-${n}.png`;
    taken.add(name);
    return name;
  });
}
