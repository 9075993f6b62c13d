import { ImageKernels } from './kernels.js';

/**
 * Buffers that are used again for every image: a fresh large typed array costs more in page faults than the arithmetic
 * on it. One owner at a time; what a function stores here is overwritten by the next call with the same slot.
 */
export class Scratch {
  private readonly buffers = new Map<string, ArrayBuffer>();
  private ownKernels: ImageKernels | undefined;

  /** The inner loops of resizing and normalizing, and their memory. */
  get kernels(): ImageKernels {
    return (this.ownKernels ??= new ImageKernels());
  }

  /** At least `length` bytes under the name `slot`; contents are arbitrary. */
  bytes(slot: string, length: number): Uint8Array {
    return new Uint8Array(this.buffer(slot, length), 0, length);
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

let shared: Scratch | undefined;

/**
 * The scratch of callers that don't bring their own. Transforms are synchronous and return nothing that lives in a scratch, so one
 * a thread is enough.
 */
export function sharedScratch(): Scratch {
  return (shared ??= new Scratch());
}
