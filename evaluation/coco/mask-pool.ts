import { copyText, type CompressedRle } from '../../core/coco.js';
import { Column } from '../../core/column.js';
import { DataError } from '../../core/errors.js';
import { decodeRunsInto, encodeRunsInto, MAX_RUN_CHARACTERS } from '../../core/rle-string.js';
import { assertMaskSize, assertRunSum, type Rle } from '../../core/rle.js';

/**
 * Compressed masks of many objects: mask `i` is COCO's run-length string `bytes[starts[i] … ends[i])`. Nothing else is
 * stored per mask, so a pool is only slightly larger than the text of a result file.
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

const ENCODER = new TextEncoder();

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

  /** Adds a mask. Compressed masks are checked when they are decoded. @throws DataError for text that is not ASCII */
  add({ height, width, counts }: Rle | CompressedRle): void {
    assertMaskSize('segmentation', height, width);
    const start = this.used;
    if (typeof counts === 'string') this.addText(counts);
    else if ('bytes' in counts) {
      this.reserve(counts.end - counts.start);
      this.used = copyText(counts, this.bytes, start);
    } else {
      this.reserve(MAX_RUN_CHARACTERS * counts.length);
      this.used = encodeRunsInto(counts, this.bytes, this.used);
    }
    this.starts.push(start);
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

  private addText(text: string): void {
    this.reserve(text.length);
    const end = this.used + text.length;
    const { read } = ENCODER.encodeInto(text, this.bytes.subarray(this.used, end));
    if (read !== text.length)
      throw new DataError('segmentation/counts: expected ASCII characters, got others');
    this.used = end;
  }

  private reserve(extra: number): void {
    if (this.used + extra <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.bytes.length, this.used + extra));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

/** Decodes the runs of mask `index`. @throws DataError if the text is not a mask of its size */
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
