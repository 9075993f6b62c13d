import { DataError } from '../../core/errors.js';
import { Random } from '../../core/random.js';

/** Pieces that break parsers: numbers out of range, deep nesting, entities, byte order marks, NUL. */
const PIECES = [
  '1e999',
  '-1e999',
  'NaN',
  '-0',
  '99999999999999999999',
  'null',
  '[[[[[[[[[[',
  '{"a":',
  '"',
  '\\',
  '\0',
  '\uFEFF',
  '\r',
  '\n',
  ',,,,',
  ';',
  '\t',
  '<a>',
  '&lol;',
  '\ud800',
  'é',
  '../',
];

/**
 * Creates damaged variants of a document: bytes replaced, removed, repeated or inserted. The same seed gives the same
 * variants.
 */
export function* mutations(
  document: Uint8Array,
  count: number,
  seed: number,
): Generator<Uint8Array> {
  const random = new Random(seed);
  for (let n = 0; n < count; n++) {
    let bytes = Buffer.from(document);
    for (let change = random.integer(4); change >= 0; change--) {
      const at = random.integer(bytes.length + 1);
      const length = random.integer(12);
      const rest = bytes.subarray(Math.min(bytes.length, at + length));
      const start = bytes.subarray(0, at);
      const piece = Buffer.from(PIECES[random.integer(PIECES.length)]);
      const kinds: readonly Buffer[][] = [
        [start, rest],
        [start, piece, bytes.subarray(at)],
        [start, piece, rest],
        [start, bytes.subarray(at, at + length), bytes.subarray(at)],
        [start, Buffer.of(random.integer(256)), bytes.subarray(Math.min(bytes.length, at + 1))],
        [start],
      ];
      // Truncation is rare, because nothing else of the document is tested then.
      bytes = Buffer.concat(kinds[random.integer(random.chance(0.1) ? 6 : 5)]);
    }
    yield bytes;
  }
}

/**
 * Reads damaged variants of a document.
 *
 * @returns numbers of variants that were read and that were refused; any error but a DataError of one line that names the
 *   file is thrown
 */
export function readMutations(
  document: Uint8Array,
  { count, seed, file }: { readonly count: number; readonly seed: number; readonly file: string },
  read: (bytes: Uint8Array) => void,
): { readonly read: number; readonly refused: number } {
  let refused = 0;
  for (const bytes of mutations(document, count, seed))
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof DataError) || error.file !== file || error.message.includes('\n'))
        throw new Error(`not a clear error for ${JSON.stringify(bytes.toString())}`, {
          cause: error,
        });
      refused++;
    }
  return { read: count - refused, refused };
}
