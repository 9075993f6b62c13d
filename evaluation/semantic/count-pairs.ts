/** Labels or predictions, `[H, W]` row-major. */
export type ClassMap = Uint8Array | Uint16Array | Int32Array;

/**
 * Counts how often each pair of bytes occurs: `pairs[label · 256 + prediction]`.
 *
 * Neighboring pixels mostly repeat a pair, and an increment must wait for the previous one of the same counter. So pixels
 * are counted alternately in two tables, which is 1.5 times as fast.
 *
 * @param pairs `[2, 256, 256]`, incremented
 */
export function countBytePairs(
  labels: Uint8Array,
  predictions: Uint8Array,
  pairs: Uint32Array,
): void {
  const numPixels = labels.length;
  let i = 0;
  for (; i + 1 < numPixels; i += 2) {
    pairs[(labels[i] << 8) | predictions[i]]++;
    pairs[65536 | (labels[i + 1] << 8) | predictions[i + 1]]++;
  }
  if (i < numPixels) pairs[(labels[i] << 8) | predictions[i]]++;
}
