import { assertBytes, assertObject } from '../core/arguments.js';
import { ResultsError, type DataError } from '../core/errors.js';
import { isNestedDeeper } from '../core/foreign-value.js';
import type { PartialResult, ResultArray } from '../core/partial-result.js';

const MAGIC = 'CNV2PART';
/** Largest nesting of the header. */
const MAX_DEPTH = 16;
const CONSTRUCTORS = { f64: Float64Array, u32: Uint32Array, i32: Int32Array } as const;

/** Tells the text of a partial result by its start. */
export const isPartialResult = (text: string): boolean => text.startsWith(MAGIC);

interface Header {
  readonly kind: string;
  readonly settings: unknown;
  readonly arrays: Readonly<Record<string, ArrayPlace>>;
}

interface ArrayPlace {
  readonly type: keyof typeof CONSTRUCTORS;
  readonly offset: number;
  readonly length: number;
}

/** Encodes a partial result: magic bytes, the length of a JSON header (uint32), the header, the arrays (little-endian). */
export function encodePartialResult(partial: PartialResult): Uint8Array {
  assertObject('encodePartialResult', 'a partial result', partial, 'kind', 'arrays');
  const { kind, settings, arrays } = partial;
  const places: Record<string, ArrayPlace> = {};
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    const type =
      array instanceof Float64Array ? 'f64' : array instanceof Uint32Array ? 'u32' : 'i32';
    places[name] = { type, offset, length: array.length };
    offset += Math.ceil(array.byteLength / 8) * 8;
  }
  const text = JSON.stringify({ kind, settings, arrays: places } satisfies Header);
  const header = new TextEncoder().encode(text.padEnd(text.length + 8));
  const start = Math.ceil((MAGIC.length + 4 + header.length) / 8) * 8;
  const bytes = new Uint8Array(start + offset);
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint32(MAGIC.length, start - MAGIC.length - 4, true);
  bytes.fill(0x20, MAGIC.length + 4, start);
  bytes.set(header, MAGIC.length + 4);
  for (const [name, array] of Object.entries(arrays))
    bytes.set(
      new Uint8Array(array.buffer, array.byteOffset, array.byteLength),
      start + places[name].offset,
    );
  return bytes;
}

/**
 * The inverse of `encodePartialResult`.
 *
 * @param file named in errors
 * @throws DataError if the bytes are not a partial result
 */
export function decodePartialResult(bytes: Uint8Array, file: string): PartialResult {
  assertBytes('decodePartialResult', 'the bytes of an evaluation part', bytes);
  const wrong = (got: string, cause?: unknown): DataError =>
    new ResultsError(`${file}: expected an evaluation part, got ${got}`, { file, cause });
  const mark = new TextDecoder().decode(bytes.subarray(0, MAGIC.length));
  if (mark !== MAGIC || bytes.length < MAGIC.length + 4) throw wrong('another file');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = MAGIC.length + 4 + view.getUint32(MAGIC.length, true);
  if (start > bytes.length) throw wrong('a file that was cut off');
  let header: Header;
  try {
    header = JSON.parse(
      new TextDecoder().decode(bytes.subarray(MAGIC.length + 4, start)),
    ) as Header;
  } catch (cause) {
    throw wrong('a damaged header', cause);
  }
  if (isNestedDeeper(header, MAX_DEPTH)) throw wrong('a header nested too deeply');
  if (typeof header?.kind !== 'string' || typeof header.arrays !== 'object' || !header.arrays)
    throw wrong('a damaged header');
  const arrays: Record<string, ResultArray> = {};
  for (const [name, place] of Object.entries(header.arrays)) {
    const isKnown = typeof place?.type === 'string' && Object.hasOwn(CONSTRUCTORS, place.type);
    if (!isKnown || !isCount(place.offset) || !isCount(place.length))
      throw wrong('a damaged header');
    const make = CONSTRUCTORS[place.type];
    const from = start + place.offset;
    const to = from + place.length * make.BYTES_PER_ELEMENT;
    if (to > bytes.length) throw wrong('a file that was cut off');
    // Copies to a new buffer, which `slice` of Node's Buffer would not do.
    arrays[name] = new make(Uint8Array.from(bytes.subarray(from, to)).buffer);
  }
  return { kind: header.kind, settings: header.settings, arrays };
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
