import { Random } from '../../core/random.js';
import { withOtherValues } from './values.js';

/** Numbers at which programs break: ends of ranges, signs, zero. */
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];
/** Texts at which programs break. */
const TOKENS = [
  ...['0', '-1', '1e999', '-0', '1e-320', '99999999999999999999', 'NaN', 'null', 'true', '""'],
  ...['[]', '{}', '[[', '}}', '"__proto__"', '"constructor"', '\\u0000', '\u001b[2J', '../../x'],
  ...['__proto__', 'constructor', 'toString', '{"toString":""}', '{"valueOf":1}', '"\\ud800"'],
  ...['\u2028', '\u202e', '1e308', '9007199254740993', '['.repeat(20_000), '<a>'.repeat(5000)],
  ...['&a *a', '<!ENTITY x "y">', '&#0;', '<', '>', ',', '"', "'", '\r', '\n', '\t', '\ufeff'],
  ...[
    '<!DOCTYPE a [<!ENTITY x "y">]>',
    '<!DOCTYPE a SYSTEM "file:///dev/zero">',
    '&x;',
    '&#x110000;',
  ],
  ...['<![CDATA[', '-->', '<!--', '\0'],
];
const MAX_BYTES = 1 << 18;

/** A kind of files. */
export interface Kind {
  readonly corpus: readonly Uint8Array[];
  /** Makes lengths and checksums right. */
  readonly sealed?: ((bytes: Uint8Array) => Uint8Array) | undefined;
  /** Documents of JSON whose values are changed, and what makes a file of their text. */
  readonly documents?: readonly (readonly unknown[])[] | undefined;
  readonly framed?: ((text: string) => Uint8Array) | undefined;
}

/** The same number gives the same bytes: every second one with other values if the file has documents. */
export function mutated(kind: Kind, seed: number, index: number): Uint8Array {
  const { documents = [], framed = Buffer.from, sealed } = kind;
  const random = new Random(seed, index);
  if (documents.length > 0 && index % 2 === 1)
    return framed(withOtherValues(documents[random.integer(documents.length)], random));
  const bytes = withOtherBytes(kind.corpus, random);
  return sealed && index % 4 < 3 ? sealed(bytes) : bytes;
}

/** Changes valid bytes in one to eight places. */
function withOtherBytes(corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(corpus[random.integer(corpus.length)]);
  for (let n = 1 + random.integer(8); n > 0; n--) bytes = changed(bytes, corpus, random);
  return new Uint8Array(bytes.subarray(0, MAX_BYTES));
}

function changed(bytes: Buffer, corpus: readonly Uint8Array[], random: Random): Buffer {
  const at = random.integer(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + random.integer(1 + random.integer(64)));
  const splice = (insert: Uint8Array, removed = 0): Buffer =>
    Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + removed)]);
  switch (random.integer(10)) {
    case 0: // a bit
      if (at < bytes.length) bytes[at] ^= 1 << random.integer(8);
      return bytes;
    case 1: // a byte
      if (at < bytes.length) bytes[at] = random.integer(256);
      return bytes;
    case 2: {
      // a number of 1, 2, 4 or 8 bytes, in either order
      const size = 1 << random.integer(4);
      if (at + size > bytes.length) return bytes;
      const value = BigInt(INTERESTING[random.integer(INTERESTING.length)]);
      const word = Buffer.alloc(8);
      word.writeBigUInt64LE(size === 8 && random.integer(2) === 0 ? 2n ** 64n - 1n - value : value);
      const part = word.subarray(0, size);
      bytes.set(random.integer(2) === 0 ? part : part.reverse(), at);
      return bytes;
    }
    case 3:
      return splice(Buffer.from(TOKENS[random.integer(TOKENS.length)]), random.integer(2) * length);
    case 4: // a number in text
      return withNumber(bytes, at, random);
    case 5:
      return splice(new Uint8Array(0), length);
    case 6: // a part twice, or many times
      return splice(
        Buffer.concat(Array<Buffer>(1 + random.integer(8)).fill(bytes.subarray(at, at + length))),
      );
    case 7: {
      // a part of another file
      const other = corpus[random.integer(corpus.length)];
      const from = random.integer(other.length + 1);
      return splice(other.subarray(from, from + length * 4), length);
    }
    case 8: // another encoding, with its mark
      return random.integer(8) > 0 ? bytes : Buffer.from(`\ufeff${bytes.toString()}`, 'utf16le');
    default: // the end is missing
      return random.integer(4) === 0 ? Buffer.from(bytes.subarray(0, at)) : bytes;
  }
}

function withNumber(bytes: Buffer, from: number, random: Random): Buffer {
  const isDigit = (i: number): boolean => bytes[i] >= 0x30 && bytes[i] <= 0x39;
  let start = from;
  while (start < bytes.length && start < from + 200 && !isDigit(start)) start++;
  let end = start;
  while (end < bytes.length && isDigit(end)) end++;
  if (start === end) return bytes;
  const value = INTERESTING[random.integer(INTERESTING.length)];
  const text = `${['', '-', '0.', '1e'][random.integer(4)]}${value}`;
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(text), bytes.subarray(end)]);
}
