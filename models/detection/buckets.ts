/**
 * Every number of rows needs a session of its own, so rows are filled up to one of few numbers: fractions ½, ¼, … of the
 * largest, rounded up.
 *
 * @param count rows that are needed
 * @param largest what is never exceeded by the caller; without a limit (`Infinity`) the numbers are powers of two
 * @param smallest no fewer rows than this, where `largest` allows it
 * @returns at least `count`
 */
export function bucketOf(count: number, largest: number, smallest: number): number {
  if (!Number.isFinite(largest)) {
    let rows = smallest;
    while (rows < count) rows *= 2;
    return rows;
  }
  let rows = Math.max(largest, count);
  for (let half = rows / 2; half >= count && half >= smallest; half /= 2) rows = half;
  return Math.ceil(rows);
}

/** Rows of a mask head: 8, 16, 32, 64, 128, and twice that as often as needed. */
export function maskBucketOf(count: number): number {
  return bucketOf(count, Infinity, 8);
}
