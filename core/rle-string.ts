import { DataError } from './errors.js';
import { assertMaskSize, assertRle, assertRunSum, type Rle } from './rle.js';

/**
 * Reads COCO's compressed run lengths: 5 bits per character, lowest first, `48 + bits`; 32 means that more characters
 * follow, 16 in the last character means a negative number. From the fourth run on, the difference from the run two
 * places before is stored.
 *
 * @param text the characters as a string or as ASCII bytes
 * @throws DataError for an invalid character, text that ends inside a number, a negative run, or runs that do not sum
 *   to `height · width`
 */
export function rleFromString(text: string | Uint8Array, height: number, width: number): Rle {
  assertMaskSize('rleFromString', height, width);
  const bytes = typeof text === 'string' ? asciiBytes(text) : text;
  const counts = new Uint32Array(bytes.length); // every run takes at least one character
  const numRuns = decodeRunsInto(bytes, 0, bytes.length, counts, 0);
  let sum = 0;
  for (let i = 0; i < numRuns; i++) sum += counts[i];
  assertRunSum('rleFromString', sum, height, width);
  return { height, width, counts: counts.slice(0, numRuns) };
}

/**
 * Decodes the characters `bytes[start … end)` into `counts` from position `at` on, and returns the number of runs.
 * The sum is not checked.
 *
 * @throws DataError as `rleFromString`
 */
export function decodeRunsInto(
  bytes: Uint8Array,
  start: number,
  end: number,
  counts: Uint32Array,
  at: number,
): number {
  let numRuns = 0;
  for (let p = start; p < end; numRuns++) {
    let bits = bytes[p++] - 48;
    if (bits >>> 6 !== 0) throw foreignCharacter(bits);
    let value = bits & 31;
    let shift = 5;
    while (bits & 32) {
      if (p === end || shift > 30)
        throw new DataError(
          `rleFromString: expected the end of run ${numRuns}, got ${p === end ? 'the end of the text' : 'a number beyond 32 bits'}`,
        );
      bits = bytes[p++] - 48;
      if (bits >>> 6 !== 0) throw foreignCharacter(bits);
      value |= (bits & 31) << shift;
      shift += 5;
    }
    if (bits & 16 && shift < 32) value |= -1 << shift;
    if (numRuns > 2) value += counts[at + numRuns - 2];
    if (value < 0) throw new DataError(`rleFromString: expected runs >= 0, got ${value}`);
    counts[at + numRuns] = value;
  }
  return numRuns;
}

const ASCII = new TextDecoder();

/** Most characters of one run: 32 bits, 5 per character. */
export const MAX_RUN_CHARACTERS = 7;

/** Encodes runs in COCO's compressed form; the inverse of `rleFromString`. */
export function rleToString(rle: Pick<Rle, 'counts'>): string {
  assertRle('rleToString', rle);
  const { counts } = rle;
  const bytes = new Uint8Array(MAX_RUN_CHARACTERS * counts.length);
  const end = encodeRunsInto(counts, bytes, 0);
  return ASCII.decode(bytes.subarray(0, end));
}

/** Encodes runs into `bytes` from position `at` on, and returns the end. */
export function encodeRunsInto(counts: Uint32Array, bytes: Uint8Array, at: number): number {
  for (let i = 0; i < counts.length; i++) {
    let value = i > 2 ? counts[i] - counts[i - 2] : counts[i];
    for (let more = true; more;) {
      let bits = value & 31;
      value >>= 5;
      more = bits & 16 ? value !== -1 : value !== 0;
      if (more) bits |= 32;
      bytes[at++] = bits + 48;
    }
  }
  return at;
}

function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 111) throw foreignCharacter(code - 48);
    bytes[i] = code;
  }
  return bytes;
}

function foreignCharacter(bits: number): DataError {
  return new DataError(
    `rleFromString: expected characters from "0" to "o", got ${JSON.stringify(String.fromCharCode(bits + 48))}`,
  );
}
