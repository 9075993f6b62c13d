import { ShapeError } from '../../core/errors.js';
import { WASM_BASE64 } from './kernels.generated.js';

/** Largest WebAssembly memory with 32-bit addresses, less the last page. */
export const MAX_MEMORY_BYTES = 65535 * 65536;

const BYTES = Float32Array.BYTES_PER_ELEMENT;
const LANES = 4;
/** Maximal number of arrays of one kernel. */
const NUM_SLOTS = 4;
/** Elements of an array staged at a time: four arrays (256 KiB) fit in a second-level cache. */
const SLOT_SIZE = 16384;

/** Bytes at the start of a memory reserved for {@link Kernels}; arrays may be placed after them. */
export const STAGING_BYTES = NUM_SLOTS * SLOT_SIZE * BYTES;

type KernelName = 'adamW' | 'sgd' | 'average' | 'accumulate' | 'sumSquares';

/** Arrays of one call and their elements `start … start + count − 1`. */
export interface Span {
  readonly start: number;
  readonly count: number;
}

/** Scalars of an AdamW update; the formula is in `kernels.wat`. */
interface AdamWCoefficients {
  readonly scale: number;
  readonly a1: number;
  readonly a2: number;
  readonly decay: number;
  readonly stepSize: number;
  readonly eps: number;
}

/** Scalars of an SGD update; the formula is in `kernels.wat`. */
interface SgdCoefficients {
  readonly scale: number;
  readonly momentum: number;
  readonly decay: number;
  readonly ofGradient: number;
  readonly ofMomentum: number;
}

/**
 * The optimizer's loops (`kernels.wat`, SIMD). Arrays that are views of `memory` are processed in place; other arrays,
 * and the remaining elements at the end, are copied through a staging area. Both run the same instructions on the same
 * numbers, so results are bit-identical.
 */
export class Kernels {
  private readonly exports: Readonly<Record<KernelName, (...numbers: number[]) => number>>;
  private readonly slots: readonly Float32Array[];

  /** @param memory not shared between threads; its first {@link STAGING_BYTES} are reserved. It must never grow. */
  constructor(readonly memory: WebAssembly.Memory) {
    const bytes = Uint8Array.from(atob(WASM_BASE64), (char) => char.charCodeAt(0));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory },
    });
    this.exports = exports as typeof this.exports;
    this.slots = Array.from(
      { length: NUM_SLOTS },
      (_, slot) => new Float32Array(memory.buffer, slot * SLOT_SIZE * BYTES, SLOT_SIZE),
    );
  }

  /** AdamW update of `[parameters, firstMoment, secondMoment]` by `gradients`. */
  adamW(
    arrays: readonly [p: Float32Array, m: Float32Array, v: Float32Array, g: Float32Array],
    span: Span,
    { scale, a1, a2, decay, stepSize, eps }: AdamWCoefficients,
  ): void {
    this.apply(arrays, 3, span, ([p, m, v, g], count) =>
      this.exports.adamW(p, m, v, g, count, scale, a1, a2, decay, stepSize, eps),
    );
  }

  /** SGD update of `[parameters, momentum]` by `gradients`. */
  sgd(
    arrays: readonly [p: Float32Array, m: Float32Array, g: Float32Array],
    span: Span,
    { scale, momentum, decay, ofGradient, ofMomentum }: SgdCoefficients,
  ): void {
    this.apply(arrays, 2, span, ([p, m, g], count) =>
      this.exports.sgd(p, m, g, count, scale, momentum, decay, ofGradient, ofMomentum),
    );
  }

  /** `y += weight · (x − y)`, both `[n]`. */
  average(y: Float32Array, x: Float32Array, weight: number): void {
    this.apply([y, x], 1, whole('average', y, x), ([toY, toX], count) =>
      this.exports.average(toY, toX, count, weight),
    );
  }

  /** `y = keep · y + scale · x`, both `[n]`. */
  accumulate(
    y: Float32Array,
    x: Float32Array,
    { keep, scale }: { readonly keep: number; readonly scale: number },
  ): void {
    this.apply([y, x], 1, whole('accumulate', y, x), ([toY, toX], count) =>
      this.exports.accumulate(toY, toX, count, keep, scale),
    );
  }

  /** `Σ x²` in float64, in an order that depends only on the length. */
  sumSquares(x: Float32Array): number {
    const full = x.length - (x.length % LANES);
    let sum = 0;
    for (let start = 0; start < x.length;) {
      // The remaining elements are always a separate call, wherever `x` lies, so the order is the same.
      const count = start < full ? Math.min(SLOT_SIZE, full - start) : x.length - full;
      this.apply([x], 0, { start, count }, ([toX], n) => {
        sum += this.exports.sumSquares(toX, n);
      });
      start += count;
    }
    return sum;
  }

  /**
   * Calls a kernel with byte offsets and a count that is a multiple of four. The kernel changes the first `numChanged`
   * arrays.
   */
  private apply(
    arrays: readonly Float32Array[],
    numChanged: number,
    { start, count }: Span,
    call: (pointers: readonly number[], count: number) => void,
  ): void {
    const inPlace = arrays.every((array) => array.buffer === this.memory.buffer);
    const direct = inPlace ? count - (count % LANES) : 0;
    if (direct > 0) {
      call(
        arrays.map((array) => array.byteOffset + start * BYTES),
        direct,
      );
    }
    for (let at = start + direct; at < start + count; at += SLOT_SIZE) {
      const size = Math.min(SLOT_SIZE, start + count - at);
      const padded = Math.ceil(size / LANES) * LANES;
      arrays.forEach((array, slot) => {
        this.slots[slot].set(array.subarray(at, at + size));
        this.slots[slot].fill(0, size, padded);
      });
      call(
        arrays.map((_, slot) => this.slots[slot].byteOffset),
        padded,
      );
      for (let slot = 0; slot < numChanged; slot++) {
        arrays[slot].set(this.slots[slot].subarray(0, size), at);
      }
    }
  }
}

function whole(where: string, y: Float32Array, x: Float32Array): Span {
  if (y.length !== x.length) {
    throw new ShapeError(`${where}: expected arrays of equal length, got ${y.length}, ${x.length}`);
  }
  return { start: 0, count: y.length };
}
