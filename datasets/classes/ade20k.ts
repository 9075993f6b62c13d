import { readFileSync } from 'node:fs';

/** Name and usual color `rrggbb` of every class. Road and skyscraper have the same color. */
const ROWS = readFileSync(new URL('./ade20k.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => line.split('\t'));

/**
 * The 150 classes of the ADE20K scene parsing benchmark (SceneParse150), in the order of its label numbers: label
 * `k + 1` of a file is class `k`.
 *
 * @see http://sceneparsing.csail.mit.edu/
 */
export const ADE20K_CLASSES: readonly string[] = ROWS.map(([name]) => name);

/** Usual colors of the classes, `[150, 3]` RGB. */
export function ade20kPalette(): Uint8Array {
  return Uint8Array.from(
    ROWS.flatMap(([, hex]) => [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16))),
  );
}

/** Whether names are those of ADE20K: most of them at their places, because a few are spelled in several ways. */
export function areAde20k(names: readonly string[]): boolean {
  const same = names.filter((name, k) => name === ADE20K_CLASSES[k]).length;
  return names.length === ADE20K_CLASSES.length && same > names.length / 2;
}
