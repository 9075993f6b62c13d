import type { Column } from '../../core/column.js';

/** Powers of ten that doubles hold exactly. */
const POWERS_OF_TEN = Float64Array.from({ length: 16 }, (_, i) => 10 ** i);
/** A number of at most 15 digits is a whole number below 2⁵³ over such a power: one division rounds it as `JSON.parse` does. */
const MAX_DIGITS = 15;
/** Deeper values are left to `JSON.parse`. */
const MAX_DEPTH = 32;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const TRUE = [0x74, 0x72, 0x75, 0x65];
const FALSE = [0x66, 0x61, 0x6c, 0x73, 0x65];
const NULL = [0x6e, 0x75, 0x6c, 0x6c];

/** The result of a method that does not take the value: it is unusual, invalid, or continues beyond the bytes. */
export const NOT_TAKEN = -1;

/**
 * Reads JSON values of a usual form from bytes, without a string or an object for them. What it takes is valid JSON of
 * the value that `JSON.parse` gives; what it does not take may be either, and is for `JSON.parse` to judge: text beyond
 * ASCII or with escapes, deep nesting, anything broken. Methods take a position and return the one after the value, or
 * {@link NOT_TAKEN}.
 */
export class JsonBytes {
  bytes: Uint8Array = new Uint8Array(0);
  /** Number of bytes; the array may be longer. */
  length = 0;
  /** The number that `number` took last; NaN makes it a double from the start. */
  value = NaN;

  /** Position of the next byte that is not white space; `length` at the end. */
  skipSpace(at: number): number {
    const { bytes, length } = this;
    while (at < length) {
      const c = bytes[at];
      if (c !== SPACE && c !== 0x0a && c !== 0x0d && c !== 0x09) return at;
      at++;
    }
    return length;
  }

  /** Position after the byte `wanted` and the white space on both sides. */
  take(at: number, wanted: number): number {
    const { bytes } = this;
    if (bytes[at] !== wanted) at = this.skipSpace(at);
    if (at >= this.length || bytes[at] !== wanted) return NOT_TAKEN;
    return bytes[at + 1] > SPACE ? at + 1 : this.skipSpace(at + 1);
  }

  /** Takes a finite number into `value`. */
  number(start: number): number {
    const { bytes, length } = this;
    let at = start;
    let c = bytes[at];
    const isNegative = c === MINUS;
    if (isNegative) c = bytes[++at];
    const first = at;
    let mantissa = 0;
    if (c === ZERO) c = bytes[++at];
    else {
      if (!(c > ZERO && c < COLON)) return NOT_TAKEN;
      do {
        mantissa = 10 * mantissa + (c - ZERO);
        c = bytes[++at];
      } while (c >= ZERO && c < COLON);
    }
    let numDigits = at - first;
    let numDecimals = 0;
    if (c === POINT) {
      const decimals = ++at;
      c = bytes[at];
      while (c >= ZERO && c < COLON) {
        mantissa = 10 * mantissa + (c - ZERO);
        c = bytes[++at];
      }
      numDecimals = at - decimals;
      if (numDecimals === 0) return NOT_TAKEN;
      numDigits += numDecimals;
    }
    // A number that ends with the bytes may continue in the next ones.
    if (at >= length) return NOT_TAKEN;
    if (c === 0x65 || c === 0x45) {
      at = this.exponent(at + 1);
      if (at === NOT_TAKEN) return NOT_TAKEN;
    } else if (numDigits <= MAX_DIGITS) {
      const size = numDecimals === 0 ? mantissa : mantissa / POWERS_OF_TEN[numDecimals];
      this.value = isNegative ? -size : size;
      return at;
    }
    this.value = Number(latin1(bytes, start, at));
    return Number.isFinite(this.value) ? at : NOT_TAKEN;
  }

  /** Takes a string of ASCII characters without escapes. */
  plainString(at: number): number {
    const { bytes, length } = this;
    if (at >= length || bytes[at] !== QUOTE) return NOT_TAKEN;
    for (let i = at + 1; i < length; i++) {
      const c = bytes[i];
      if (c === QUOTE) return i + 1;
      if (c < 0x20 || c >= 0x80 || c === BACKSLASH) return NOT_TAKEN;
    }
    return NOT_TAKEN;
  }

  /** Takes `true` or `false` as 1 or 0 into `value`. */
  boolean(at: number): number {
    this.value = this.bytes[at] === TRUE[0] ? 1 : 0;
    return this.word(at, this.value === 1 ? TRUE : FALSE);
  }

  null(at: number): number {
    return this.word(at, NULL);
  }

  /** Takes a list of numbers and appends them to `list`. */
  numbers(at: number, list: Column): number {
    at = this.open(at, OPEN_ARRAY, CLOSE_ARRAY);
    while (at >= 0) {
      at = this.number(at);
      if (at === NOT_TAKEN) return NOT_TAKEN;
      list.push(this.value);
      at = this.next(at, CLOSE_ARRAY);
    }
    return closed(at);
  }

  /** Takes any value without keeping it. */
  skip(at: number, depth = 0): number {
    if (at >= this.length || depth > MAX_DEPTH) return NOT_TAKEN;
    const c = this.bytes[at];
    if (c === QUOTE) return this.plainString(at);
    if (c === OPEN_ARRAY) return this.skipItems(at, depth, CLOSE_ARRAY);
    if (c === OPEN_OBJECT) return this.skipItems(at, depth, CLOSE_OBJECT);
    if (c === TRUE[0] || c === FALSE[0]) return this.boolean(at);
    return c === NULL[0] ? this.null(at) : this.number(at);
  }

  private skipItems(at: number, depth: number, close: number): number {
    at = this.open(at, this.bytes[at], close);
    while (at >= 0) {
      if (close === CLOSE_OBJECT) {
        at = this.plainString(at);
        if (at !== NOT_TAKEN) at = this.take(at, COLON);
        if (at === NOT_TAKEN) return NOT_TAKEN;
      }
      at = this.skip(at, depth + 1);
      if (at === NOT_TAKEN) return NOT_TAKEN;
      at = this.next(at, close);
    }
    return closed(at);
  }

  /** Position of the first item of a list or object; `~end` if it is empty. */
  open(at: number, bracket: number, close: number): number {
    at = this.take(at, bracket);
    if (at === NOT_TAKEN || at >= this.length) return NOT_TAKEN;
    return this.bytes[at] === close ? ~(at + 1) : at;
  }

  /** Position of the item after the one that ends at `at`; `~end` if that was the last one. */
  next(at: number, close: number): number {
    const { bytes, length } = this;
    if (bytes[at] <= SPACE) at = this.skipSpace(at);
    if (at >= length) return NOT_TAKEN;
    if (bytes[at] === close) return ~(at + 1);
    if (bytes[at] !== COMMA) return NOT_TAKEN;
    at++;
    return bytes[at] <= SPACE ? this.skipSpace(at) : at;
  }

  private exponent(at: number): number {
    const { bytes } = this;
    if (bytes[at] === 0x2b || bytes[at] === MINUS) at++;
    const first = at;
    while (bytes[at] >= ZERO && bytes[at] < COLON) at++;
    return at === first || at >= this.length ? NOT_TAKEN : at;
  }

  private word(at: number, letters: readonly number[]): number {
    if (at + letters.length > this.length) return NOT_TAKEN;
    for (let i = 0; i < letters.length; i++)
      if (this.bytes[at + i] !== letters[i]) return NOT_TAKEN;
    return at + letters.length;
  }
}

/** Position after a list or object, from what `next` says after the last item. */
export function closed(next: number): number {
  return next === NOT_TAKEN ? NOT_TAKEN : ~next;
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}
