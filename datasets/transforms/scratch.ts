import { ImageKernels } from './kernels.js';

/**
 * Memory reused for every image, because page faults of a new large typed array take longer than the arithmetic on it.
 * Transforms are synchronous and return no views of it, so one of each per thread is enough.
 */
const buffers = new Map<string, ArrayBuffer>();
let kernels: ImageKernels | undefined;

/** Inner loops of resizing and normalizing, with their memory. */
export function imageKernels(): ImageKernels {
  return (kernels ??= new ImageKernels());
}

/** Returns `length` bytes for `slot`; contents are arbitrary, and the next call with the same slot overwrites them. */
export function scratchBytes(slot: string, length: number): Uint8Array {
  let buffer = buffers.get(slot);
  if (buffer === undefined || buffer.byteLength < length) {
    // Extra room, so that slightly larger images don't cause new allocations.
    buffer = new ArrayBuffer(Math.ceil((length * 1.25) / 64) * 64);
    buffers.set(slot, buffer);
  }
  return new Uint8Array(buffer, 0, length);
}
