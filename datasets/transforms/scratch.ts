/**
 * Buffers that are used again for every image: a fresh large typed array costs more in page faults than the arithmetic
 * on it. One owner at a time; what a function stores here is overwritten by the next call with the same slot.
 */
export class Scratch {
  private readonly buffers = new Map<string, ArrayBuffer>();

  /** At least `length` bytes under the name `slot`; contents are arbitrary. */
  bytes(slot: string, length: number): Uint8Array {
    return new Uint8Array(this.buffer(slot, length), 0, length);
  }

  /** `length` 32-bit integers under the name `slot`; contents are arbitrary. */
  int32(slot: string, length: number): Int32Array {
    return new Int32Array(this.buffer(slot, length * 4), 0, length);
  }

  private buffer(slot: string, byteLength: number): ArrayBuffer {
    const held = this.buffers.get(slot);
    if (held !== undefined && held.byteLength >= byteLength) return held;
    // Room to grow, so that slightly larger images don't allocate again and again.
    const buffer = new ArrayBuffer(Math.ceil((byteLength * 1.25) / 64) * 64);
    this.buffers.set(slot, buffer);
    return buffer;
  }
}
