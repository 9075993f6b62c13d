/** Counts of values in ranges of equal ratio. */
export interface LogHistogram {
  /** `[bins + 1]`, ascending: bin `i` has the values from `edges[i]` to below `edges[i + 1]`. */
  readonly edges: readonly number[];
  /** `[bins]`. */
  readonly counts: readonly number[];
  /** Number of values below the first edge, and from the last one on. */
  readonly below: number;
  readonly above: number;
}

/**
 * Counts positive values in bins of equal ratio.
 *
 * @param low first edge, above 0
 * @param numOctaves number of doublings from the first edge to the last
 * @param perOctave number of bins per doubling
 */
export function logHistogram(
  values: ArrayLike<number>,
  { low, numOctaves, perOctave }: { low: number; numOctaves: number; perOctave: number },
): LogHistogram {
  const numBins = numOctaves * perOctave;
  const edges = Array.from({ length: numBins + 1 }, (_, i) => low * 2 ** (i / perOctave));
  const counts = new Array<number>(numBins).fill(0);
  let [below, above] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    // The logarithm may round across an edge.
    let bin = Math.floor(Math.log2(values[i] / low) * perOctave);
    if (bin + 1 <= numBins && values[i] >= edges[bin + 1]) bin++;
    else if (bin > 0 && values[i] < edges[bin]) bin--;
    if (!(values[i] >= low)) below++;
    else if (bin >= numBins) above++;
    else counts[bin]++;
  }
  return { edges, counts, below, above };
}
