/** Free buffers that a pool keeps, and their bytes together; the oldest are left to the garbage collector. */
const MAX_FREE = 64;
const MAX_FREE_BYTES = 2 ** 28;
/** A buffer serves requests down to this share of its size. */
const MIN_USE = 0.25;

/**
 * Buffers for reuse. Fresh memory costs a page fault every 4 KiB, which for batches of images takes longer than filling them.
 * Contents are arbitrary.
 */
export class BufferPool {
  private readonly free: ArrayBuffer[] = [];

  /** A buffer of at least `byteLength` bytes: the smallest free one that is not far too large, or a new one. */
  take(byteLength: number): ArrayBuffer {
    let best = -1;
    for (let i = 0; i < this.free.length; i++) {
      const size = this.free[i].byteLength;
      const fits = size >= byteLength && byteLength >= size * MIN_USE;
      if (fits && (best < 0 || size < this.free[best].byteLength)) best = i;
    }
    if (best < 0) return new ArrayBuffer(roundUp(byteLength));
    return this.free.splice(best, 1)[0];
  }

  /** `length` bytes in a buffer of {@link take}, which may be longer. */
  takeBytes(length: number): Uint8Array {
    return new Uint8Array(this.take(length), 0, length);
  }

  /** Returns a buffer that nobody reads any more. Detached ones (moved to another thread) are ignored. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === 0) return;
    this.free.push(buffer);
    const bytes = (): number => this.free.reduce((sum, { byteLength }) => sum + byteLength, 0);
    while (this.free.length > MAX_FREE || (this.free.length > 1 && bytes() > MAX_FREE_BYTES))
      this.free.shift();
  }

  /** Takes all free buffers out, e.g. to send them where they are needed. */
  takeAll(): ArrayBuffer[] {
    return this.free.splice(0);
  }
}

/** To a quarter of a power of two, so that buffers for images of similar size are interchangeable. */
function roundUp(byteLength: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(Math.max(byteLength, 1))) - 2, 6);
  return Math.ceil(Math.max(byteLength, 1) / step) * step;
}
