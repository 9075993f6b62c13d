const DIGIT_BITS = 11;
const NUM_DIGITS = 6;

/**
 * Computes a stable order of descending scores; +0 and −0 are equal. Scores must not be NaN.
 *
 * @param scores `[N]`
 * @returns `[N]`, positions
 */
export function orderByScore(scores: Float64Array): Uint32Array {
  const order = new Uint32Array(scores.length);
  orderByScoreInto(order, scores, scores.length);
  return order;
}

/** Writes the order of the first `count` scores, as {@link orderByScore} computes it, to the first places of `order`. */
export function orderByScoreInto(order: Uint32Array, scores: Float64Array, count: number): void {
  if (count < 256) insertionOrder(order, scores, count);
  else order.set(radixOrder(scores.subarray(0, count)));
}

function insertionOrder(order: Uint32Array, scores: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    let at = i;
    while (at > 0 && scores[order[at - 1]] < scores[i]) {
      order[at] = order[at - 1];
      at--;
    }
    order[at] = i;
  }
}

/**
 * Radix sort of the bits of the doubles, mapped to ascending unsigned numbers; digits that are equal for all are skipped.
 */
function radixOrder(scores: Float64Array): Uint32Array {
  const count = scores.length;
  const lows = new Uint32Array(count);
  const highs = new Uint32Array(count);
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < count; i++) {
    view.setFloat64(0, -scores[i] + 0); // + 0 makes −0 and +0 one key
    const high = view.getUint32(0);
    const isNegative = high >>> 31 === 1;
    highs[i] = isNegative ? ~high : high | 0x80000000;
    lows[i] = isNegative ? ~view.getUint32(4) : view.getUint32(4);
  }
  let from = new Uint32Array(count);
  let to = new Uint32Array(count);
  for (let i = 0; i < count; i++) from[i] = i;
  const counts = new Uint32Array(1 << DIGIT_BITS);
  for (let digit = 0; digit < NUM_DIGITS; digit++) {
    const shift = digit * DIGIT_BITS;
    counts.fill(0);
    for (let i = 0; i < count; i++) counts[digitAt(lows[i], highs[i], shift)]++;
    if (counts[digitAt(lows[0], highs[0], shift)] === count) continue;
    for (let value = 0, sum = 0; value < counts.length; value++) {
      const next = sum + counts[value];
      counts[value] = sum;
      sum = next;
    }
    for (let i = 0; i < count; i++) {
      const item = from[i];
      to[counts[digitAt(lows[item], highs[item], shift)]++] = item;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** Extracts 11 bits of the 64-bit number at `shift`; the digit at bit 22 includes bits of the upper word. */
function digitAt(low: number, high: number, shift: number): number {
  const mask = (1 << DIGIT_BITS) - 1;
  if (shift >= 32) return (high >>> (shift - 32)) & mask;
  const bits = low >>> shift;
  return (shift > 32 - DIGIT_BITS ? bits | (high << (32 - shift)) : bits) & mask;
}
