/**
 * Questions to a value of a foreign file before anything is known of it. `String`, `Number`, templates and comparisons throw
 * a `TypeError` for objects whose `toString` or `valueOf` is no function, and functions that recurse overflow the stack.
 */

/** Whether a value is an object and no list. */
export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The number of a number or of a text that is one; NaN for everything else. */
export const numberOf = (value: unknown): number =>
  typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')
    ? Number(value)
    : NaN;

/** Whether lists and objects are nested in more levels. Level by level, because a recursion would overflow. */
export function isNestedDeeper(value: unknown, most: number): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? Object.values(item as object) : [],
    );
  }
  return false;
}

/** Whether lists and objects have more items and fields in all, at any depth. */
export function hasMoreItems(value: unknown, most: number): boolean {
  const waiting: unknown[] = [value];
  let count = 0;
  for (let item = waiting.pop(); item !== undefined || waiting.length > 0; item = waiting.pop()) {
    if (typeof item !== 'object' || item === null) continue;
    const items = Array.isArray(item) ? (item as readonly unknown[]) : Object.values(item);
    count += items.length;
    if (count > most) return true;
    for (const each of items) waiting.push(each);
  }
  return false;
}
