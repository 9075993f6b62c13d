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

/** Finds the word nearest by {@link editDistance}, the first one of ties; for messages. @param words at least one */
export function nearestWord(word: string, words: readonly string[]): string {
  const [first] = [...words].sort((a, b) => editDistance(word, a) - editDistance(word, b));
  return first;
}

/** Describes an unknown word: `expected one of crop, warp, got "wrp"; nearest: warp`. @param word what to look for, if any */
export function expectedWord(allowed: readonly string[], got: string, word?: string): string {
  const hint = word === undefined ? '' : `; nearest: ${nearestWord(word, allowed)}`;
  return `expected one of ${allowed.join(', ')}, got ${got}${hint}`;
}
