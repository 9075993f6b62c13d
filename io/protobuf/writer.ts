import { InputError } from '../../core/errors.js';

const LIMIT_BYTES = 2 ** 31 - 1;

/**
 * Writes the protobuf wire format into one growing buffer. Nested messages are written in place: room
 * for a five-byte length is left in front and filled in afterward (a padded varint is valid).
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufWriter {
  private bytes: Uint8Array;
  private view: DataView;
  private length = 0;

  /** @throws InputError above protobuf's limit of 2 GiB, here and while writing */
  constructor(capacityBytes = 1 << 16) {
    assertLimit(capacityBytes);
    this.bytes = new Uint8Array(capacityBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** The bytes written so far (a view). */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** Integer field; `value` is an integer of up to 53 bits, negatives as ten-byte varints. */
  int(field: number, value: number): void {
    this.tag(field, 0);
    this.varint(value);
  }

  /** `repeated int64` field, packed. */
  packedInts(field: number, values: readonly number[]): void {
    this.message(field, () => values.forEach((value) => this.varint(value)));
  }

  /** `float` field. */
  float(field: number, value: number): void {
    this.tag(field, 5);
    this.reserve(4);
    this.view.setFloat32(this.length, value, true);
    this.length += 4;
  }

  /** `double` field. */
  double(field: number, value: number): void {
    this.tag(field, 1);
    this.doubleValue(value);
  }

  /** `repeated double` field, packed. */
  packedDoubles(field: number, values: Float64Array): void {
    this.tag(field, 2);
    this.varint(8 * values.length);
    values.forEach((value) => this.doubleValue(value));
  }

  /** `string` field; text is ASCII or UTF-8. */
  text(field: number, value: string): void {
    this.raw(field, new TextEncoder().encode(value));
  }

  /** `bytes` field. */
  raw(field: number, value: Uint8Array): void {
    this.tag(field, 2);
    this.varint(value.byteLength);
    this.reserve(value.byteLength);
    this.bytes.set(value, this.length);
    this.length += value.byteLength;
  }

  /** Sub-message field whose content `write` writes. */
  message(field: number, write: () => void): void {
    this.tag(field, 2);
    this.reserve(5);
    const at = this.length;
    this.length += 5;
    write();
    let size = this.length - at - 5;
    for (let i = 0; i < 4; i++, size >>>= 7) this.bytes[at + i] = (size & 0x7f) | 0x80;
    this.bytes[at + 4] = size;
  }

  private tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  private doubleValue(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  private varint(value: number): void {
    this.reserve(10);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.bytes[this.length++] = Number(rest & 127n) | 0x80;
      this.bytes[this.length++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128))
      this.bytes[this.length++] = (rest % 128) | 0x80;
    this.bytes[this.length++] = rest;
  }

  private reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    assertLimit(needed);
    const grown = new Uint8Array(Math.min(LIMIT_BYTES, Math.max(needed, 2 * this.bytes.length)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

function assertLimit(bytes: number): void {
  if (bytes <= LIMIT_BYTES) return;
  throw new InputError(
    'writing an ONNX model: expected at most 2 GiB, got more; keep the weights as inputs',
  );
}
