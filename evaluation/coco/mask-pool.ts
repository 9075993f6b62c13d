import { Blocks } from '../../core/blocks.js';
import { copyText, type CompressedRle } from '../../core/coco.js';
import { Column } from '../../core/column.js';
import { DataError } from '../../core/errors.js';
import { decodeRunsInto, encodeRunsInto, MAX_RUN_CHARACTERS } from '../../core/rle-string.js';
import { assertMaskSize, assertRunSum, type Rle } from '../../core/rle.js';

/**
 * Compressed masks of many objects: mask `i` is COCO's run-length string, `lengths[i]` bytes from position `starts[i]` of
 * `text` on. Nothing else is stored per mask, so a pool is only slightly larger than the text of a result file.
 */
export interface MaskPool {
  readonly text: Blocks<Uint8Array>;
  /** `[N]`, positions in `text`. */
  readonly starts: Float64Array;
  /** `[N]`, bytes. */
  readonly lengths: Float64Array;
  /** `[N]`, pixels. */
  readonly heights: Float64Array;
  /** `[N]`, pixels. */
  readonly widths: Float64Array;
}

const ENCODER = new TextEncoder();

/** Collects masks into a pool. */
export class MaskPoolBuilder {
  private readonly starts = new Column();
  private readonly lengths = new Column();
  private readonly heights = new Column();
  private readonly widths = new Column();
  private readonly text: Blocks<Uint8Array>;

  /** @param isShared whether other threads read the text, too */
  constructor(isShared = false) {
    this.text = new Blocks((n) =>
      isShared ? new Uint8Array(new SharedArrayBuffer(n)) : new Uint8Array(n),
    );
  }

  get length(): number {
    return this.starts.length;
  }

  /** Adds a mask. Compressed masks are checked when they are decoded. @throws DataError for text that is not ASCII */
  add({ height, width, counts }: Rle | CompressedRle): void {
    assertMaskSize('segmentation', height, width);
    const room = charactersOf(counts);
    const [bytes, at, position] = this.text.allocate(room);
    let end: number;
    if (typeof counts === 'string') end = encodeAscii(counts, bytes, at);
    else if ('bytes' in counts) end = copyText(counts, bytes, at);
    else end = encodeRunsInto(counts, bytes, at);
    this.text.giveBack(at + room - end);
    this.starts.push(position);
    this.lengths.push(end - at);
    this.heights.push(height);
    this.widths.push(width);
  }

  build(): MaskPool {
    return {
      text: this.text,
      starts: this.starts.view(),
      lengths: this.lengths.view(),
      heights: this.heights.view(),
      widths: this.widths.view(),
    };
  }
}

/** Most characters of the runs as text. */
function charactersOf(counts: (Rle | CompressedRle)['counts']): number {
  if (typeof counts === 'string') return counts.length;
  return 'bytes' in counts ? counts.end - counts.start : MAX_RUN_CHARACTERS * counts.length;
}

/** Writes a text from position `at` on, and returns the end. @throws DataError for text that is not ASCII */
function encodeAscii(text: string, bytes: Uint8Array, at: number): number {
  const end = at + text.length;
  const { read } = ENCODER.encodeInto(text, bytes.subarray(at, end));
  if (read !== text.length)
    throw new DataError('segmentation/counts: expected ASCII characters, got others');
  return end;
}

/** Decodes the runs of mask `index`. @throws DataError if the text is not a mask of its size */
export function rleOfPool(pool: MaskPool, index: number): Rle {
  const length = pool.lengths[index];
  const [bytes, start] = pool.text.find(pool.starts[index]);
  const counts = new Uint32Array(length);
  const numRuns = decodeRunsInto(bytes, start, start + length, counts, 0);
  const [height, width] = [pool.heights[index], pool.widths[index]];
  let sum = 0;
  for (let i = 0; i < numRuns; i++) sum += counts[i];
  assertRunSum('mask', sum, height, width);
  return { height, width, counts: counts.slice(0, numRuns) };
}
