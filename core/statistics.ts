/** Sum of values, 0 without any. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/** Mean of values; NaN without any. */
export const mean = (values: ArrayLike<number>): number => sum(values) / values.length;

/** Rows of a matrix as lists. @param values `[rows, columns]` */
export const matrixRows = (values: Float64Array, columns: number): readonly number[][] =>
  Array.from({ length: values.length / columns }, (_, row) =>
    Array.from(values.subarray(row * columns, (row + 1) * columns)),
  );

/** The middle one of the sorted values, of an even number the upper one; NaN without values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b).at(values.length >> 1) ?? NaN;
}

/** Value below which a fraction of the values lies, without interpolation; NaN without values. @param fraction 0 to 1 */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted.at(Math.floor(fraction * (sorted.length - 1))) ?? NaN;
}
