import { ImageKernels } from './kernels.js';

/**
 * Buffers reused for every image, because page faults of a new large typed array take longer than the arithmetic on it.
 * One owner at a time; the next call with the same slot overwrites the content.
 */
export class Scratch {
  private readonly buffers = new Map<string, ArrayBuffer>();
  private ownKernels: ImageKernels | undefined;

  /** Inner loops of resizing and normalizing, with their memory. */
  get kernels(): ImageKernels {
    return (this.ownKernels ??= new ImageKernels());
  }

  /** Returns at least `length` bytes for `slot`; contents are arbitrary. */
  bytes(slot: string, length: number): Uint8Array {
    return new Uint8Array(this.buffer(slot, length), 0, length);
  }

  private buffer(slot: string, byteLength: number): ArrayBuffer {
    const held = this.buffers.get(slot);
    if (held !== undefined && held.byteLength >= byteLength) return held;
    // Extra room, so that slightly larger images don't cause new allocations.
    const buffer = new ArrayBuffer(Math.ceil((byteLength * 1.25) / 64) * 64);
    this.buffers.set(slot, buffer);
    return buffer;
  }
}

let shared: Scratch | undefined;

/** Default scratch. Transforms are synchronous and return no views of it, so one per thread is enough. */
export function sharedScratch(): Scratch {
  return (shared ??= new Scratch());
}
