import { WeightsFileError } from '../../core/errors.js';

/** Thrown if the bytes end inside a value. The legacy reader then reads more of the file and starts again. */
export class TruncatedPickle extends WeightsFileError {
  static override readonly family: string = 'TruncatedPickle';
}

/** Longest text line of protocol 0 (numbers and names; longer strings use opcodes with a length). */
const MAX_LINE_BYTES = 65_536;

/** Cursor over the bytes of a pickle; every length is checked before use. */
export class PickleCursor {
  private readonly view: DataView;

  constructor(
    readonly file: string,
    private readonly bytes: Uint8Array,
    public position = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private advance(length: number): number {
    const start = this.position;
    if (length > this.bytes.byteLength - start) {
      throw TruncatedPickle.in(
        this.file,
        `expected ${length} bytes at byte ${start} of the pickle, got ${this.bytes.byteLength - start}`,
      );
    }
    this.position = start + length;
    return start;
  }

  uint8(): number {
    return this.bytes[this.advance(1)];
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** A 64-bit length. */
  length64(): number {
    const length = this.view.getBigUint64(this.advance(8), true);
    if (length > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw WeightsFileError.in(this.file, `expected a length in the pickle, got ${length}`);
    }
    return Number(length);
  }

  /** Big-endian, unlike everything else in a pickle. */
  float64(): number {
    return this.view.getFloat64(this.advance(8), false);
  }

  /** A copy of the next bytes. */
  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.slice(start, start + length);
  }

  utf8(length: number): string {
    const start = this.advance(length);
    return new TextDecoder().decode(this.bytes.subarray(start, start + length));
  }

  latin1(length: number): string {
    const start = this.advance(length);
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString('latin1');
  }

  /** The text up to the next line end, which is consumed. */
  line(): string {
    const limit = Math.min(this.position + MAX_LINE_BYTES, this.bytes.byteLength);
    const end = this.bytes.subarray(this.position, limit).indexOf(0x0a);
    if (end < 0 && limit === this.bytes.byteLength) this.advance(limit - this.position + 1);
    if (end < 0) {
      throw WeightsFileError.in(this.file, `expected a line of at most ${MAX_LINE_BYTES} bytes`);
    }
    const text = this.utf8(end);
    this.position++;
    return text;
  }

  /** A two's complement integer of `length` bytes, least significant first. */
  integer(length: number): number | bigint {
    if (length > 64) {
      throw WeightsFileError.in(this.file, `expected an integer of up to 64 bytes, got ${length}`);
    }
    const bytes = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    if (length > 0 && bytes[length - 1] & 0x80) value -= 1n << BigInt(8 * length);
    return narrow(value);
  }
}

/** Converts to a number if that is exact, else keeps the bigint. */
export function narrow(value: bigint): number | bigint {
  const asNumber = Number(value);
  return Number.isSafeInteger(asNumber) ? asNumber : value;
}
