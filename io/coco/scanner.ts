import { isAscii } from 'node:buffer';
import { type DataError, AnnotationsError } from '../../core/errors.js';
import { NOT_TAKEN } from './json-bytes.js';

/** Handler of a scan. Arrays and values are those of the top level; if the file is one array, its name is `''`. */
export interface ScanHandler {
  /** Called at the start of an array; `false` skips its elements without parsing. */
  array(name: string): boolean;
  /** Called with a parsed element of an array. */
  element(name: string, index: number, value: unknown): void;
  /** Called with an element that is not valid JSON. */
  invalid(name: string, index: number, message: string): void;
  /** Called with a parsed top-level value that is not an array. */
  value(name: string, value: unknown): void;
  /** Returns the direct reader of the elements of an array, if there is one yet. */
  direct?: ((name: string) => DirectReader | undefined) | undefined;
}

/**
 * Reader of elements of the usual form straight from the bytes: it handles the element at `at` and returns the position
 * after it, or `NOT_TAKEN` and leaves no trace, for an element that has to be parsed or is not complete before `length`.
 */
export type DirectReader = (bytes: Uint8Array, at: number, length: number, index: number) => number;

type State =
  'start' | 'key' | 'colon' | 'value' | 'afterValue' | 'element' | 'afterElement' | 'end';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Limit of a record, which is parsed as one string; V8's limit for strings is near 512 Mi characters. */
const MAX_RECORD_BYTES = 1 << 28;
/** Elements are parsed in batches of about this size: large enough to pay, small enough to die young in memory. */
const BATCH_BYTES = 1 << 14;
/** Most elements that are parsed before the direct reader is tried again. */
const MAX_PARSED = 256;

/**
 * Streaming reader of a COCO file: finds the top-level arrays, in any order, and parses their elements in small batches,
 * so memory use does not depend on the size of the file. Every byte is either parsed by `JSON.parse`, checked here as
 * structure, or (in skipped arrays) only matched by brackets.
 */
export class CocoScanner {
  private window: Uint8Array = new Uint8Array(1 << 16);
  private length = 0;
  private at = 0;
  private offset = 0; // of window[0] in the file
  private state: State = 'start';
  private key = '';
  private readonly keys = new Set<string>();
  private index = 0;
  private wanted = true;
  private isObject = true;
  private mayClose = true;
  private readonly ends: number[] = []; // of a batch: start and end of each element
  private numToParse = 1; // elements, before the direct reader is tried again
  private needed = 0; // number of bytes of an incomplete record before it is scanned again

  /** @param file for messages */
  constructor(
    private readonly file: string,
    private readonly handler: ScanHandler,
  ) {}

  /**
   * Processes the next bytes of the file, in chunks of any size.
   *
   * @throws DataError with the byte position if the structure is broken
   */
  push(chunk: Uint8Array): void {
    this.reserve(chunk.length);
    this.window.set(chunk, this.length);
    this.length += chunk.length;
    if (this.length < this.needed || !this.skipByteOrderMark(false)) return;
    this.needed = 0;
    while (this.step(false));
    this.drop();
  }

  /** Marks the end of the file. @throws DataError if the JSON is incomplete */
  finish(): void {
    this.skipByteOrderMark(true);
    while (this.step(true));
    if (this.state !== 'end') {
      const where = this.state === 'start' ? 'an object or array' : 'the end of the JSON';
      throw this.broken(`expected ${where}, got the end of the file`, this.length);
    }
  }

  /** Moves the unread bytes to the front and makes room. */
  private drop(): void {
    if (this.at === 0) return;
    this.window.copyWithin(0, this.at, this.length);
    this.offset += this.at;
    this.length -= this.at;
    this.at = 0;
  }

  private reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed > this.window.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.window.length));
      larger.set(this.window.subarray(0, this.length));
      this.window = larger;
    }
  }

  /** @returns false while the first bytes may still be a byte order mark */
  private skipByteOrderMark(last: boolean): boolean {
    if (this.offset > 0 || this.at > 0 || this.state !== 'start') return true;
    const mark = [0xef, 0xbb, 0xbf];
    for (let i = 0; i < mark.length; i++) {
      if (i === this.length) return last;
      if (this.window[i] !== mark[i]) return true;
    }
    this.at = mark.length;
    return true;
  }

  /** Consumes one token or record. @returns false when more bytes are needed */
  private step(last: boolean): boolean {
    const { window, length } = this;
    this.at = this.skipSpace(this.at);
    if (this.at === length) return false;
    const byte = window[this.at];
    switch (this.state) {
      case 'start':
        return this.start(byte);
      case 'key':
        return this.takeKey(byte);
      case 'colon':
        if (byte !== COLON) throw this.unexpected('a colon', byte);
        this.at++;
        this.state = 'value';
        return true;
      case 'value':
        return byte === OPEN_ARRAY ? this.openArray(this.key) : this.takeValue(last);
      case 'afterValue':
        return this.next(byte, CLOSE_OBJECT, 'key', 'a comma or the end of the object');
      case 'element':
        if (byte === CLOSE_ARRAY && this.mayClose) return this.closeArray();
        return this.takeDirect() || this.takeElements(last);
      case 'afterElement':
        if (byte === CLOSE_ARRAY) return this.closeArray();
        return this.next(byte, CLOSE_ARRAY, 'element', 'a comma or the end of the array');
      case 'end':
        throw this.unexpected('nothing after the JSON', byte);
    }
  }

  private start(byte: number): boolean {
    if (byte === OPEN_ARRAY) {
      this.isObject = false;
      return this.openArray('');
    }
    if (byte !== OPEN_OBJECT) throw this.unexpected('an object or array', byte);
    this.at++;
    this.mayClose = true;
    this.state = 'key';
    return true;
  }

  private next(byte: number, close: number, state: State, expected: string): boolean {
    if (byte !== COMMA && byte !== close) throw this.unexpected(expected, byte);
    this.at++;
    this.mayClose = false;
    this.state = byte === COMMA ? state : 'end';
    return true;
  }

  private takeKey(byte: number): boolean {
    if (byte === CLOSE_OBJECT && this.mayClose) {
      this.at++;
      this.state = 'end';
      return true;
    }
    if (byte !== QUOTE) throw this.unexpected('a key in quotes', byte);
    const end = endOfString(this.window, this.at, this.length);
    if (end < 0) return this.wait();
    const key = this.parse(this.at, end);
    if (typeof key !== 'string') throw this.broken(`expected a key, got ${String(key)}`, this.at);
    // JSON.parse would silently use only the last one.
    if (this.keys.has(key))
      throw this.broken(`expected each key once, got "${key}" again`, this.at);
    this.keys.add(key);
    this.key = key;
    this.at = end;
    this.state = 'colon';
    return true;
  }

  private takeValue(last: boolean): boolean {
    const start = this.at;
    const end = this.endOfValue(last);
    if (end < 0) return this.wait();
    const parsed = this.parse(start, end);
    if (parsed instanceof SyntaxProblem)
      throw this.broken(`"${this.key}": expected valid JSON, got ${parsed.message}`, start);
    this.handler.value(this.key, parsed);
    this.at = end;
    this.state = 'afterValue';
    return true;
  }

  private openArray(name: string): boolean {
    this.key = name;
    this.index = 0;
    this.mayClose = true;
    this.wanted = this.handler.array(name);
    this.at++;
    this.state = 'element';
    return true;
  }

  private closeArray(): boolean {
    this.at++;
    this.state = this.isObject ? 'afterValue' : 'end';
    return true;
  }

  /** Consumes elements that the direct reader takes. @returns false at one that has to be parsed */
  private takeDirect(): boolean {
    const { window, length } = this;
    const read = this.wanted ? this.handler.direct?.(this.key) : undefined;
    this.numToParse = read ? Math.min(2 * this.numToParse, MAX_PARSED) : Infinity;
    while (read) {
      const end = read(window, this.at, length, this.index);
      if (end === NOT_TAKEN) return false;
      this.index++;
      this.numToParse = 1;
      this.state = 'afterElement';
      this.at = this.skipSpace(end);
      if (this.at === length || window[this.at] !== COMMA) return true;
      this.next(COMMA, CLOSE_ARRAY, 'element', '');
      this.at = this.skipSpace(this.at);
      if (this.at === length) return true;
    }
    return false;
  }

  /** Consumes the complete elements in memory, up to one batch. */
  private takeElements(last: boolean): boolean {
    const { ends, window } = this;
    const start = this.at;
    ends.length = 0;
    for (;;) {
      const end = this.endOfValue(last);
      if (end < 0) break;
      if (end === this.at) {
        if (ends.length > 0) break;
        throw this.unexpected('a value', window[end]);
      }
      ends.push(this.at, end);
      if (end - start > BATCH_BYTES || ends.length >= 2 * this.numToParse) break;
      this.at = this.skipSpace(end);
      if (this.at === this.length || window[this.at] !== COMMA) break;
      this.at = this.skipSpace(this.at + 1);
      if (this.at === this.length) break;
    }
    if (ends.length === 0) return this.wait();
    if (this.wanted) this.deliver();
    this.index += ends.length / 2;
    this.at = ends[ends.length - 1];
    this.state = 'afterElement';
    return true;
  }

  /** Parses a batch as one text, which is faster, or one by one if that fails. */
  private deliver(): void {
    const { ends, handler, key, index } = this;
    const all = ends.length > 2 ? this.parse(ends[0], ends[ends.length - 1], true) : undefined;
    if (Array.isArray(all) && all.length === ends.length / 2) {
      for (let i = 0; i < all.length; i++) handler.element(key, index + i, all[i]);
      return;
    }
    for (let i = 0; i < ends.length; i += 2) {
      const parsed = this.parse(ends[i], ends[i + 1]);
      if (parsed instanceof SyntaxProblem)
        handler.invalid(
          key,
          index + i / 2,
          `expected valid JSON, got ${parsed.message} (record at byte ${this.offset + ends[i]})`,
        );
      else handler.element(key, index + i / 2, parsed);
    }
  }

  private skipSpace(at: number): number {
    while (at < this.length && isSpace(this.window[at])) at++;
    return at;
  }

  /** Waits for more bytes of the record at `at`. */
  private wait(): false {
    if (this.length - this.at > MAX_RECORD_BYTES)
      throw this.broken(
        `expected the end of ${this.place()} within ${MAX_RECORD_BYTES} bytes, got none (a bracket or quote is missing)`,
        this.at,
      );
    // Scanning it again only when its size has doubled keeps the work linear.
    this.needed = 2 * (this.length - this.at);
    return false;
  }

  /** End of the value at `at`, −1 if it extends beyond the window. */
  private endOfValue(last: boolean): number {
    const { window, length } = this;
    const byte = window[this.at];
    if (byte === QUOTE) return endOfString(window, this.at, length);
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return endOfNested(window, this.at, length);
    for (let i = this.at; i < length; i++) {
      const c = window[i];
      if (c === COMMA || c === CLOSE_ARRAY || c === CLOSE_OBJECT || isSpace(c)) return i;
    }
    return last ? length : -1;
  }

  private parse(start: number, end: number, asList = false): unknown {
    const bytes = Buffer.from(this.window.buffer, this.window.byteOffset + start, end - start);
    try {
      const text = isAscii(bytes) ? bytes.toString('latin1') : STRICT_UTF8.decode(bytes);
      return JSON.parse(asList ? `[${text}]` : text);
    } catch (error) {
      return new SyntaxProblem(error instanceof Error ? error.message : String(error));
    }
  }

  private place(): string {
    return this.state === 'element' ? `${this.key}[${this.index}]` : `"${this.key}"`;
  }

  private unexpected(expected: string, byte: number): DataError {
    const got =
      byte > 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16)}`;
    return this.broken(`expected ${expected}, got ${got}`, this.at);
  }

  private broken(message: string, at: number): DataError {
    const inside = this.key === '' ? '' : ` (in "${this.key}", record ${this.index})`;
    return AnnotationsError.in(this.file, `byte ${this.offset + at}: ${message}${inside}`);
  }
}

/** Marks a record that `JSON.parse` rejected; a class, because any JSON value may be a result. */
class SyntaxProblem {
  constructor(readonly message: string) {}

  toString(): string {
    return this.message;
  }
}

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true });

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Position after the string at `start`, −1 if it extends beyond `length`. */
function endOfString(bytes: Uint8Array, start: number, length: number): number {
  const near = Math.min(length, start + 40);
  for (let i = start + 1; i < near; i++) {
    const c = bytes[i];
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) return i + 1;
  }
  // Masks are long: the engine finds their end faster, and a quote counts after an even number of backslashes.
  let quote = bytes.indexOf(QUOTE, Math.max(start + 1, near - 1));
  while (quote >= 0 && quote < length) {
    let first = quote;
    while (first - 1 > start && bytes[first - 1] === BACKSLASH) first--;
    if ((quote - first) % 2 === 0) return quote + 1;
    quote = bytes.indexOf(QUOTE, quote + 1);
  }
  return -1;
}

/**
 * Position after the object or array that begins at `start`, −1 if it goes on behind `length`. Most bytes are digits of
 * coordinates, which sort between quote and bracket: one comparison each.
 */
function endOfNested(bytes: Uint8Array, start: number, length: number): number {
  let depth = 0;
  for (let i = start; i < length; i++) {
    const c = bytes[i];
    if (c > QUOTE && c < OPEN_ARRAY) continue;
    if (c === QUOTE) {
      const end = endOfString(bytes, i, length);
      if (end < 0) return -1;
      i = end - 1;
    } else if (c === OPEN_OBJECT || c === OPEN_ARRAY) depth++;
    else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) if (--depth === 0) return i + 1;
  }
  return -1;
}
