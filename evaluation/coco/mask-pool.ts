import type { CompressedRle } from '../../core/coco.js';
import { Column } from '../../core/column.js';
import { decodeRunsInto, rleToString } from '../../core/rle-string.js';
import { assertMaskSize, assertRunSum, type Rle } from '../../core/rle.js';

/**
 * The masks of many objects, compressed: mask `i` is COCO's run-length string `bytes[starts[i] … ends[i])`. Nothing
 * else is kept of a mask, so a pool costs little more than the text of a result file.
 */
export interface MaskPool {
  readonly bytes: Uint8Array;
  /** `[N]`, byte offsets. */
  readonly starts: Float64Array;
  /** `[N]`, byte offsets. */
  readonly ends: Float64Array;
  /** `[N]`, pixels. */
  readonly heights: Float64Array;
  /** `[N]`, pixels. */
  readonly widths: Float64Array;
}

/** Collects masks into a pool. */
export class MaskPoolBuilder {
  private readonly starts = new Column();
  private readonly ends = new Column();
  private readonly heights = new Column();
  private readonly widths = new Column();
  private bytes = new Uint8Array(64);
  private used = 0;

  get length(): number {
    return this.starts.length;
  }

  /** Adds a mask. A compressed one is checked when it is decoded. */
  add(mask: Rle | CompressedRle): void {
    const { height, width, counts } = mask;
    assertMaskSize('segmentation', height, width);
    const text = typeof counts === 'string' ? counts : rleToString({ counts });
    if (this.used + text.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.used + text.length));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.starts.push(this.used);
    // Characters beyond a byte are none of a mask, and 255 isn't either.
    for (let i = 0; i < text.length; i++)
      this.bytes[this.used++] = Math.min(255, text.charCodeAt(i));
    this.ends.push(this.used);
    this.heights.push(height);
    this.widths.push(width);
  }

  build(): MaskPool {
    return {
      bytes: this.bytes.subarray(0, this.used),
      starts: this.starts.view(),
      ends: this.ends.view(),
      heights: this.heights.view(),
      widths: this.widths.view(),
    };
  }
}

/** The runs of mask `index`. @throws DataError if the text is no mask of its size */
export function rleOfPool(pool: MaskPool, index: number): Rle {
  const [start, end] = [pool.starts[index], pool.ends[index]];
  const counts = new Uint32Array(end - start);
  const numRuns = decodeRunsInto(pool.bytes, start, end, counts, 0);
  const [height, width] = [pool.heights[index], pool.widths[index]];
  let sum = 0;
  for (let i = 0; i < numRuns; i++) sum += counts[i];
  assertRunSum('mask', sum, height, width);
  return { height, width, counts: counts.slice(0, numRuns) };
}
