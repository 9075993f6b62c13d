/**
 * Selection and sorting of scores by radix passes over their bits. Fast for tens of thousands of scores of any
 * distribution, in a defined order: higher scores first, ties by index.
 */

/** Computes 32-bit keys that sort like the numbers; −0 equals 0, and NaN sorts below everything. */
function orderedKeys(scores: Float32Array): Uint32Array {
  const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
  const keys = new Uint32Array(scores.length);
  for (let i = 0; i < keys.length; i++) {
    const b = bits[i];
    if (b < 0x80000000) keys[i] = b > 0x7f800000 ? 0 : b | 0x80000000;
    else keys[i] = b > 0xff800000 ? 0 : b === 0x80000000 ? b : ~b;
  }
  return keys;
}

/**
 * Finds the indices of the `k` highest scores, highest first, ties by ascending index. NaN comes last.
 *
 * @param scores `[M]`
 * @param k maximal number of indices; `M` or more sorts everything
 * @returns `int32 [min(k, M)]`
 */
export function topK(scores: Float32Array, k = scores.length): Int32Array {
  const keys = orderedKeys(scores);
  const chosen = highestKeys(keys, k);
  const chosenKeys = new Uint32Array(chosen.length);
  for (let i = 0; i < chosen.length; i++) chosenKeys[i] = keys[chosen[i]];
  return sortDescending(chosen, chosenKeys);
}

/**
 * Finds the indices of the `k` highest keys, in ascending order of the index. Ties at the limit go to the lowest indices.
 *
 * @param keys `uint32 [M]`
 * @returns `int32 [min(k, M)]`
 */
export function highestKeys(keys: Uint32Array, k: number): Int32Array {
  const M = keys.length;
  const numChosen = Math.max(0, Math.min(Math.floor(k), M));
  const chosen = new Int32Array(numChosen);
  if (numChosen === M) {
    for (let i = 0; i < M; i++) chosen[i] = i;
    return chosen;
  }
  if (numChosen === 0) return chosen;
  const { threshold, numAtThreshold } = kthHighest(keys, numChosen);
  let left = numAtThreshold;
  for (let i = 0, at = 0; at < numChosen; i++) {
    if (keys[i] > threshold || (keys[i] === threshold && left-- > 0)) chosen[at++] = i;
  }
  return chosen;
}

/** Finds the k-th highest key, 11, 11 and 10 bits at a time, and how many keys equal to it are among the k highest. */
function kthHighest(
  keys: Uint32Array,
  k: number,
): { readonly threshold: number; readonly numAtThreshold: number } {
  const histogram = new Uint32Array(2048);
  let prefix = 0; // leading bits of the threshold, as a number
  let left = k;
  for (const [shift, numBits] of [
    [21, 11],
    [10, 11],
    [0, 10],
  ]) {
    histogram.fill(0);
    const mask = (1 << numBits) - 1;
    for (let i = 0; i < keys.length; i++) {
      const digits = keys[i] >>> shift;
      if (digits >>> numBits === prefix) histogram[digits & mask]++;
    }
    let digit = mask;
    for (; histogram[digit] < left; digit--) left -= histogram[digit];
    prefix = ((prefix << numBits) | digit) >>> 0;
  }
  return { threshold: prefix, numAtThreshold: left };
}

/** Sorts `indices` by their keys, highest first; stable (three passes of 11 bits). */
function sortDescending(indices: Int32Array, indexKeys: Uint32Array): Int32Array {
  const n = indices.length;
  let [from, fromKeys]: [Int32Array, Uint32Array] = [indices, indexKeys];
  let [to, toKeys]: [Int32Array, Uint32Array] = [new Int32Array(n), new Uint32Array(n)];
  const starts = new Uint32Array(2048);
  for (let shift = 0; shift < 32; shift += 11) {
    starts.fill(0);
    for (let i = 0; i < n; i++) starts[(fromKeys[i] >>> shift) & 2047]++;
    for (let bucket = 2047, start = 0; bucket >= 0; bucket--) {
      const count = starts[bucket];
      starts[bucket] = start;
      start += count;
    }
    for (let i = 0; i < n; i++) {
      const at = starts[(fromKeys[i] >>> shift) & 2047]++;
      to[at] = from[i];
      toKeys[at] = fromKeys[i];
    }
    [from, to] = [to, from];
    [fromKeys, toKeys] = [toKeys, fromKeys];
  }
  return from;
}
