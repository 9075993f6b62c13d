/** The middle one of the sorted values, of an even number the upper one; NaN without values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b).at(values.length >> 1) ?? NaN;
}
