import { WASM_BASE64 } from './kernels.generated.js';

/** Loops of `kernels.wat`; arguments are byte offsets and counts. */
interface Loops {
  pilColumns(
    source: number,
    sourceStride: number,
    numRows: number,
    out: number,
    width: number,
    first: number,
    numPairs: number,
    weights: number,
    weightStride: number,
  ): void;
  pilRows(
    source: number,
    rowBytes: number,
    out: number,
    height: number,
    first: number,
    numPairs: number,
    weights: number,
    weightStride: number,
  ): void;
  cvColumns(source: number, out: number, width: number, taps: number): void;
  cvRows(
    upper: number,
    lower: number,
    out: number,
    count: number,
    weight0: number,
    weight1: number,
  ): void;
  normalize(source: number, out: number, count: number, affine: number): void;
}

const PAGE_BYTES = 65536;
/** Alignment of areas in bytes. */
const ALIGNMENT = 16;
/** Number of bytes that the loops may touch after an area. */
const SLACK_BYTES = 64;

/** Inner loops of resizing and normalizing in WebAssembly (SIMD), with a separate memory that only grows. */
export class ImageKernels {
  readonly loops: Loops;
  private readonly memory = new WebAssembly.Memory({ initial: 1 });

  constructor() {
    const bytes = Uint8Array.from(atob(WASM_BASE64), (char) => char.charCodeAt(0));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      env: { memory: this.memory },
    });
    this.loops = exports as unknown as Loops;
  }

  /**
   * Lays out areas of the given sizes from the start of the memory; the previous content is lost.
   *
   * @returns the byte offset of each
   */
  layOut<Names extends string>(
    byteLengths: Readonly<Record<Names, number>>,
  ): Readonly<Record<Names, number>> {
    const offsets: Partial<Record<Names, number>> = {};
    let end = 0;
    for (const name of Object.keys(byteLengths) as Names[]) {
      offsets[name] = end;
      end += Math.ceil((byteLengths[name] + SLACK_BYTES) / ALIGNMENT) * ALIGNMENT;
    }
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    return offsets as Record<Names, number>;
  }

  /** A view that is valid until the next {@link layOut}. */
  bytes(offset: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, offset, length);
  }

  /** A view that is valid until the next {@link layOut}. */
  int32(offset: number, length: number): Int32Array {
    return new Int32Array(this.memory.buffer, offset, length);
  }

  /** A view that is valid until the next {@link layOut}. */
  float32(offset: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, offset, length);
  }

  /** Copies a rectangle of an image's bytes to `offset`, row after row. */
  copyRows(data: Uint8Array, { start, stride, rowBytes, numRows }: RowRange, offset: number): void {
    const target = this.bytes(offset, rowBytes * numRows);
    if (rowBytes === stride) {
      target.set(data.subarray(start, start + rowBytes * numRows));
      return;
    }
    for (let y = 0; y < numRows; y++) {
      const at = start + y * stride;
      target.set(data.subarray(at, at + rowBytes), y * rowBytes);
    }
  }
}

/** Rows of an image in bytes. */
interface RowRange {
  readonly start: number;
  readonly stride: number;
  readonly rowBytes: number;
  readonly numRows: number;
}
