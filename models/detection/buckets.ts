/**
 * Rounds a number of rows up to one of a few bucket sizes, ½, ¼, … of the largest, because every number of rows needs a
 * separate session.
 *
 * @param count number of rows needed
 * @param largest largest possible count; for `Infinity` the bucket sizes are powers of two
 * @param smallest smallest bucket size, unless `largest` is smaller
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

/** Numbers of rows per run of a mask head, ascending. */
const MASK_CHUNKS = [8, 16, 32] as const;

/**
 * Splits the rows of a mask head into runs of 32, 16 and 8, of which only the last is padded: at most 7 rows are wasted,
 * and three sessions of bounded memory serve any number of objects.
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

/** Largest of {@link maskChunks}, 8 for no rows: the number of rows to allocate memory for. */
export function largestMaskChunk(count: number): number {
  const wanted = Math.ceil(count / MASK_CHUNKS[0]) * MASK_CHUNKS[0];
  return MASK_CHUNKS.findLast((rows) => rows <= wanted) ?? MASK_CHUNKS[0];
}
