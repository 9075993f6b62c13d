import { DataError } from '../core/errors.js';

const POWERS_OF_TEN = Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));
const MAX_DEPTH = 200;
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const [MINUS, PLUS, DOT, ZERO, NINE] = [0x2d, 0x2b, 0x2e, 0x30, 0x39];

/** What a JSON value is, seen by its first byte. */
export type JsonKind = 'object' | 'list' | 'string' | 'number' | 'true' | 'false' | 'null';

/**
 * Reads JSON from bytes without building a tree, so that a result file of any size fills typed arrays. What is
 * skipped is checked too.
 */
export class JsonScanner {
  private depth = 0;
  pos: number;

  /**
   * @param bytes UTF-8
   * @param file named in errors
   * @param start the document is `bytes[start … end)`
   */
  constructor(
    readonly bytes: Uint8Array,
    private readonly file: string,
    start = 0,
    private readonly end = bytes.length,
  ) {
    const hasMark = bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    this.pos = hasMark ? start + 3 : start;
  }

  /** An error at the current place. */
  error(expected: string): DataError {
    const found =
      this.pos >= this.end
        ? 'the end of the file'
        : JSON.stringify(latin1(this.bytes, this.pos, Math.min(this.end, this.pos + 12)));
    return new DataError(`${this.file}: expected ${expected}, got ${found} at byte ${this.pos}`, {
      file: this.file,
    });
  }

  /** The kind of the value that comes next. */
  kind(): JsonKind {
    const byte = this.peek();
    if (byte === OPEN_OBJECT) return 'object';
    if (byte === OPEN_LIST) return 'list';
    if (byte === QUOTE) return 'string';
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return 'number';
    if (byte === 0x74) return 'true';
    if (byte === 0x66) return 'false';
    if (byte === 0x6e) return 'null';
    throw this.error('a JSON value');
  }

  /** Calls `visit` for every member, positioned at its value, which it must read or skip. */
  readObject(visit: (key: string) => void): void {
    this.open(OPEN_OBJECT, 'an object');
    if (!this.take(CLOSE_OBJECT)) {
      do {
        const key = this.readKey();
        this.expect(COLON, '":"');
        visit(key);
      } while (this.take(COMMA));
      this.expect(CLOSE_OBJECT, '"," or "}"');
    }
    this.depth--;
  }

  /** Calls `visit` for every item, positioned at it, which it must read or skip. */
  readList(visit: (index: number) => void): void {
    this.open(OPEN_LIST, 'a list');
    if (!this.take(CLOSE_LIST)) {
      let index = 0;
      do visit(index++);
      while (this.take(COMMA));
      this.expect(CLOSE_LIST, '"," or "]"');
    }
    this.depth--;
  }

  /** Calls `visit` for the first item of a list, if there is one, and stays behind it. */
  visitFirst(visit: () => void): void {
    this.open(OPEN_LIST, 'a list');
    if (!this.take(CLOSE_LIST)) visit();
  }

  /** Reads a list of exactly `count` numbers into `into`; an empty list gives false. */
  readNumbers(into: Float64Array, count: number): boolean {
    this.open(OPEN_LIST, `a list of ${count} numbers`);
    const isEmpty = this.take(CLOSE_LIST);
    if (isEmpty) {
      this.depth--;
      return false;
    }
    for (let i = 0; i < count; i++) {
      if (i > 0) this.expect(COMMA, `${count} numbers`);
      into[i] = this.readNumber();
    }
    this.expect(CLOSE_LIST, `the end of ${count} numbers`);
    this.depth--;
    return true;
  }

  /** Reads a number exactly as `JSON.parse` does: short ones by integer arithmetic, all others by the engine. */
  readNumber(): number {
    const { bytes } = this;
    this.peek();
    let p = this.pos;
    const start = p;
    const negative = bytes[p] === MINUS;
    if (negative) p++;
    let value = 0;
    const firstDigit = p;
    while (bytes[p] >= ZERO && bytes[p] <= NINE) value = value * 10 + bytes[p++] - ZERO;
    const numWhole = p - firstDigit;
    if (numWhole === 0 || (numWhole > 1 && bytes[firstDigit] === ZERO))
      throw this.error('a number');
    let numDigits = numWhole;
    let scale = 0;
    if (bytes[p] === DOT) {
      const first = ++p;
      while (bytes[p] >= ZERO && bytes[p] <= NINE) value = value * 10 + bytes[p++] - ZERO;
      scale = p - first;
      numDigits += scale;
      if (scale === 0) throw this.error('a number');
    }
    const hasExponent = (bytes[p] | 0x20) === 0x65;
    if (hasExponent) {
      p++;
      if (bytes[p] === PLUS || bytes[p] === MINUS) p++;
      const first = p;
      while (bytes[p] >= ZERO && bytes[p] <= NINE) p++;
      if (p === first) throw this.error('a number');
    }
    if (p > this.end) throw this.error('a number');
    this.pos = p;
    // Up to 15 digits the value is exact, and one division by an exact power of ten rounds once.
    if (hasExponent || numDigits > 15) return Number(latin1(bytes, start, p));
    if (scale > 0) value /= POWERS_OF_TEN[scale];
    return negative ? -value : value;
  }

  /** Reads a string. */
  readString(): string {
    const [start, end] = this.stringRange();
    const text = new TextDecoder('utf-8', { fatal: false }).decode(this.bytes.subarray(start, end));
    return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
  }

  /**
   * Reads a string of ASCII characters and returns where its characters lie. Escapes are resolved in place: the
   * bytes of the text are overwritten, and read only once.
   */
  readBytesInPlace(): readonly [start: number, end: number] {
    const { bytes } = this;
    this.expect(QUOTE, 'a string');
    const start = this.pos;
    let p = start;
    while (p < this.end && bytes[p] !== QUOTE && bytes[p] !== BACKSLASH) p++;
    let to = p;
    while (p < this.end && bytes[p] !== QUOTE) {
      if (bytes[p] === BACKSLASH) {
        this.pos = p;
        const code = this.readEscape();
        if (code > 0x7f) throw this.error('an ASCII character');
        bytes[to++] = code;
        p = this.pos;
      } else bytes[to++] = bytes[p++];
    }
    this.pos = p;
    this.expect(QUOTE, 'the end of the string');
    return [start, to];
  }

  /** Reads and checks a value of any kind without keeping it. */
  skip(): void {
    switch (this.kind()) {
      case 'object':
        return this.readObject(() => this.skip());
      case 'list':
        return this.readList(() => this.skip());
      case 'string':
        this.stringRange();
        return;
      case 'number':
        this.readNumber();
        return;
      case 'true':
        return this.word('true');
      case 'false':
        return this.word('false');
      default:
        return this.word('null');
    }
  }

  /** Reads true, false, 0 or 1. */
  readFlag(): boolean {
    const kind = this.kind();
    if (kind === 'true' || kind === 'false') {
      this.word(kind);
      return kind === 'true';
    }
    const start = this.pos;
    const value = kind === 'number' ? this.readNumber() : NaN;
    if (value !== 0 && value !== 1) {
      this.pos = start;
      throw this.error('0, 1, true or false');
    }
    return value === 1;
  }

  /** Checks that nothing but white space follows. */
  finish(): void {
    if (this.peek() !== -1) throw this.error('the end of the file');
  }

  private readKey(): string {
    if (this.peek() !== QUOTE) throw this.error('a key');
    const { bytes } = this;
    const start = this.pos + 1;
    // Keys of annotation files are few: those without escapes are looked up by their bytes.
    let hash = 0;
    let p = start;
    while (p < this.end && bytes[p] !== QUOTE && bytes[p] !== BACKSLASH)
      hash = (Math.imul(hash, 31) + bytes[p++]) | 0;
    if (bytes[p] !== QUOTE || p >= this.end) return this.readString();
    const known = this.keys.get(hash);
    if (known !== undefined && known.length === p - start && this.sameText(known, start)) {
      this.pos = p + 1;
      return known;
    }
    // A property name is one object in the engine, so that comparing it with a literal compares pointers.
    const [key] = Object.keys({ [this.readString()]: 0 });
    this.keys.set(hash, key);
    return key;
  }

  private readonly keys = new Map<number, string>();

  private sameText(text: string, start: number): boolean {
    for (let i = 0; i < text.length; i++)
      if (text.charCodeAt(i) !== this.bytes[start + i]) return false;
    return true;
  }

  /** The bytes between the quotes of a string, checked: escapes are well formed, control characters absent. */
  private stringRange(): readonly [start: number, end: number] {
    const { bytes } = this;
    this.expect(QUOTE, 'a string');
    const start = this.pos;
    let p = start;
    while (p < this.end && bytes[p] !== QUOTE) {
      if (bytes[p] === BACKSLASH) {
        this.pos = p;
        this.readEscape();
        p = this.pos;
      } else if (bytes[p] < 0x20) {
        this.pos = p;
        throw this.error('a character that needs no escape');
      } else p++;
    }
    this.pos = p;
    this.expect(QUOTE, 'the end of the string');
    return [start, p];
  }

  /** Reads an escape and returns its character code. */
  private readEscape(): number {
    const at = '"\\/bfnrt'.indexOf(String.fromCharCode(this.bytes[this.pos + 1]));
    if (at >= 0 && this.pos + 1 < this.end) {
      this.pos += 2;
      return '"\\/\b\f\n\r\t'.charCodeAt(at);
    }
    const digits = latin1(this.bytes, this.pos + 2, Math.min(this.end, this.pos + 6));
    if (this.bytes[this.pos + 1] !== 0x75 || !/^[0-9a-fA-F]{4}$/.test(digits))
      throw this.error('an escape');
    this.pos += 6;
    return parseInt(digits, 16);
  }

  private word(word: string): void {
    if (this.pos + word.length > this.end || !this.sameText(word, this.pos)) throw this.error(word);
    this.pos += word.length;
  }

  private open(byte: number, what: string): void {
    this.expect(byte, what);
    if (++this.depth > MAX_DEPTH) throw this.error(`at most ${MAX_DEPTH} nested values`);
  }

  /** The next byte that is no white space, or −1 at the end. */
  private peek(): number {
    const { bytes, end } = this;
    while (this.pos < end) {
      const byte = bytes[this.pos];
      if (byte > 0x20) return byte;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.pos++;
    }
    return -1;
  }

  private take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.pos++;
    return true;
  }

  private expect(byte: number, what: string): void {
    if (!this.take(byte)) throw this.error(what);
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}
