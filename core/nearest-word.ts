/** Smallest number of insertions, deletions and replacements that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}

/** Longest part of a word that is compared: one from a file may have millions of characters. */
const MAX_COMPARED = 100;

/** Finds the word nearest by {@link editDistance}, the first one of ties; for messages. @param words at least one */
export function nearestWord(word: string, words: readonly string[]): string {
  const compared = word.slice(0, MAX_COMPARED);
  let [nearest] = words;
  let least = Infinity;
  for (const each of words) {
    const distance = editDistance(compared, each.slice(0, MAX_COMPARED));
    if (distance < least) [nearest, least] = [each, distance];
  }
  return nearest;
}

/** Describes an unknown word: `expected one of crop, warp, got "wrp"; nearest: warp`. @param word what to look for, if any */
export function expectedWord(allowed: readonly string[], got: string, word?: string): string {
  const hint = word === undefined ? '' : `; nearest: ${nearestWord(word, allowed)}`;
  return `expected one of ${allowed.join(', ')}, got ${got}${hint}`;
}
