/** Labels or predictions, `[H, W]` row-major. */
export type ClassMap = Uint8Array | Uint16Array | Int32Array;

/**
 * Counts how often each pair of bytes occurs: `pairs[label · 256 + prediction]`.
 *
 * Neighboring pixels mostly repeat a pair, and an increment has to wait for the one before it on the same
 * counter. So the pixels go to two tables in turn, which is half again as fast.
 *
 * @param pairs `[2, 256, 256]`, added to
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
