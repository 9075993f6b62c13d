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

/** Rows that a mask head works on at once, ascending. */
const MASK_CHUNKS = [8, 16, 32] as const;

/**
 * Splits the rows of a mask head into runs of 32, 16 and 8, of which only the last is filled up: at most 7 rows are computed for
 * nothing, and three sessions of bounded memory serve any number of objects.
 *
 * @returns sizes that sum to the next multiple of 8; none for 0 rows
 */
export function maskChunks(count: number): readonly number[] {
  const chunks: number[] = [];
  for (let left = count; left > 0;) {
    const size = MASK_CHUNKS.findLast((rows) => rows <= Math.ceil(left / 8) * 8) as number;
    chunks.push(size);
    left -= size;
  }
  return chunks;
}

/** The largest of {@link maskChunks}, 8 for none: what memory has to be there for. */
export function largestMaskChunk(count: number): number {
  return maskChunks(count)[0] ?? MASK_CHUNKS[0];
}
