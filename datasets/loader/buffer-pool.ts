/** Limits of the number and total bytes of free buffers; the oldest are left to the garbage collector. */
const MAX_FREE = 64;
const MAX_FREE_BYTES = 2 ** 28;
/** Smallest request relative to the buffer's size. */
const MIN_USE = 0.25;

/**
 * Pool of reusable buffers. New memory causes a page fault every 4 KiB, which takes longer for batches of images than
 * filling them. Contents are arbitrary.
 */
export class BufferPool {
  private readonly free: ArrayBuffer[] = [];

  /** Returns a buffer of at least `byteLength` bytes: the smallest free one that is not much too large, or a new one. */
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

  /** Returns `length` bytes of a buffer from {@link take}, which may be longer. */
  takeBytes(length: number): Uint8Array {
    return new Uint8Array(this.take(length), 0, length);
  }

  /** Puts back a buffer that is no longer used. Detached buffers (moved to another thread) are ignored. */
  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength === 0) return;
    this.free.push(buffer);
    const bytes = (): number => this.free.reduce((sum, { byteLength }) => sum + byteLength, 0);
    while (this.free.length > MAX_FREE || (this.free.length > 1 && bytes() > MAX_FREE_BYTES))
      this.free.shift();
  }

  /** Removes and returns all free buffers, e.g. to send them to a worker. */
  takeAll(): ArrayBuffer[] {
    return this.free.splice(0);
  }
}

/** Rounds up to a quarter of a power of two, so that buffers for images of similar size are interchangeable. */
function roundUp(byteLength: number): number {
  const step = 2 ** Math.max(Math.floor(Math.log2(Math.max(byteLength, 1))) - 2, 6);
  return Math.ceil(Math.max(byteLength, 1) / step) * step;
}
