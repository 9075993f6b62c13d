import { ConfigError } from '../../core/errors.js';

const PAGE_BYTES = 65536;
const ALIGNMENT_BYTES = 64;

/**
 * Typed arrays in one block of memory that a WebAssembly kernel can address: feature maps, their gradients and RoI
 * features, which ONNX Runtime reads and writes in place. The block has a fixed size (growing would detach every view, so
 * a larger arena replaces this one) and isn't shared between threads (ONNX Runtime does not accept shared memory).
 * Allocations are freed in reverse order only, with {@link Arena.mark} and {@link Arena.release}.
 */
export class Arena {
  readonly buffer: ArrayBuffer;
  private used = 0;

  /**
   * @param memory memory to allocate from; a plain `ArrayBuffer` without WebAssembly
   * @throws ConfigError if the memory is shared
   */
  constructor(readonly memory: WebAssembly.Memory | ArrayBuffer) {
    const buffer = memory instanceof ArrayBuffer ? memory : memory.buffer;
    if (!(buffer instanceof ArrayBuffer))
      throw new ConfigError('Arena: expected unshared memory, got a SharedArrayBuffer');
    this.buffer = buffer;
  }

  /**
   * Creates an arena over WebAssembly memory of at least `numBytes`; pages are touched only when used.
   *
   * @param memory new, or that of an arena no longer in use: it grows in place
   */
  static withBytes(numBytes: number, memory = new WebAssembly.Memory({ initial: 0 })): Arena {
    const missing = Math.ceil((numBytes - memory.buffer.byteLength) / PAGE_BYTES);
    if (missing > 0) memory.grow(missing);
    return new Arena(memory);
  }

  /** Number of free bytes. */
  get freeBytes(): number {
    return this.buffer.byteLength - this.used;
  }

  /**
   * Allocates an array. Its content is zeros or left over from before {@link Arena.release}.
   *
   * @throws ConfigError if the arena is full
   */
  float32(length: number): Float32Array {
    const start = this.used;
    const numBytes = Math.ceil((4 * length) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    if (numBytes > this.freeBytes)
      throw new ConfigError(
        `Arena: expected ${numBytes} free bytes, got ${this.freeBytes} of ${this.buffer.byteLength}; make it larger`,
      );
    this.used += numBytes;
    return new Float32Array(this.buffer, start, length);
  }

  /** Returns the current fill level, for {@link Arena.release}. */
  mark(): number {
    return this.used;
  }

  /** Frees everything allocated since the mark; those views must no longer be used. */
  release(mark: number): void {
    if (mark > this.used)
      throw new RangeError(`Arena: expected a mark <= ${this.used}, got ${mark}`);
    this.used = mark;
  }

  /**
   * Byte address of a view.
   *
   * @throws ConfigError if the view isn't in this arena
   */
  addressOf(where: string, view: Float32Array): number {
    if (view.buffer !== this.buffer)
      throw new ConfigError(
        `${where}: expected an array in the kernel's arena, got one outside it`,
      );
    return view.byteOffset;
  }
}
