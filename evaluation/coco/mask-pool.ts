import { decodeRunsInto, rleToString } from '../../core/rle-string.js';
import { assertRunSum, type Rle } from '../../core/rle.js';
import { GrowingBytes, GrowingNumbers } from '../growing-array.js';

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

/** Collects masks into a pool, either as byte ranges of a text in memory or as runs that it compresses. */
export class MaskPoolBuilder {
  private readonly starts = new GrowingNumbers();
  private readonly ends = new GrowingNumbers();
  private readonly heights = new GrowingNumbers();
  private readonly widths = new GrowingNumbers();
  private readonly own = new GrowingBytes();

  /** @param text the bytes that `addRange` points into */
  constructor(private readonly text: Uint8Array = new Uint8Array(0)) {}

  get length(): number {
    return this.starts.length;
  }

  /** Adds the compressed mask `text[start … end)`. It is checked when it is decoded. */
  addRange(start: number, end: number, height: number, width: number): void {
    this.starts.push(start);
    this.ends.push(end);
    this.heights.push(height);
    this.widths.push(width);
  }

  /** Adds a mask by its runs. */
  add(rle: Rle): void {
    const start = this.text.length + this.own.length;
    this.own.pushAscii(rleToString(rle));
    this.addRange(start, this.text.length + this.own.length, rle.height, rle.width);
  }

  /** Forgets all masks but the first `length`. */
  truncate(length: number): void {
    for (const list of [this.starts, this.ends, this.heights, this.widths]) list.length = length;
  }

  /** The runs of mask `index`. @throws DataError if the text is no mask of its size */
  rle(index: number): Rle {
    const inText = this.starts.view()[index] < this.text.length;
    const shift = inText ? 0 : this.text.length;
    const pool = this.view(inText ? this.text : this.own.view());
    return rleOfRange(pool, index, shift);
  }

  build(): MaskPool {
    let bytes = this.text;
    if (this.own.length > 0) {
      bytes = new Uint8Array(this.text.length + this.own.length);
      bytes.set(this.text);
      bytes.set(this.own.view(), this.text.length);
    }
    return this.view(bytes);
  }

  private view(bytes: Uint8Array): MaskPool {
    return {
      bytes,
      starts: this.starts.view(),
      ends: this.ends.view(),
      heights: this.heights.view(),
      widths: this.widths.view(),
    };
  }
}

/** The runs of mask `index`. @throws DataError if the text is no mask of its size */
export function rleOfPool(pool: MaskPool, index: number): Rle {
  return rleOfRange(pool, index, 0);
}

function rleOfRange(pool: MaskPool, index: number, shift: number): Rle {
  const [start, end] = [pool.starts[index] - shift, pool.ends[index] - shift];
  const counts = new Uint32Array(end - start);
  const numRuns = decodeRunsInto(pool.bytes, start, end, counts, 0);
  const [height, width] = [pool.heights[index], pool.widths[index]];
  let sum = 0;
  for (let i = 0; i < numRuns; i++) sum += counts[i];
  assertRunSum('mask', sum, height, width);
  return { height, width, counts: counts.slice(0, numRuns) };
}
