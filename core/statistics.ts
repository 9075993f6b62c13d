/** The middle one of the sorted values, of an even number the upper one; NaN without values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b).at(values.length >> 1) ?? NaN;
}

/** Value below which a fraction of the values lies, without interpolation; NaN without values. @param fraction 0 to 1 */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.at(Math.floor(fraction * (sorted.length - 1))) ?? NaN;
}
