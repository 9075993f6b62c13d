import { WeightsFileError, quote } from '../../core/errors.js';
import { isRecord } from '../../core/foreign-value.js';
import { assertPrintableName } from '../../core/printable.js';
import { BYTES_PER_ELEMENT, numBytes, type DType } from '../tensor.js';

/** Position of a tensor: bytes `[start, end)` of the data after the header. */
interface HeaderEntry {
  readonly dtype: DType;
  /** Name of a type that is not read (unsigned, complex, 4 bits); `dtype` then has no meaning. */
  readonly unreadable?: string | undefined;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** A checked header. */
interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, HeaderEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Limits of 100,000 tensors and of the header's size: far above any model, far below the memory. */
export const MAX_HEADER_BYTES = 2 ** 24;
const MAX_TENSORS = 100_000;

const KEY_OF_METADATA = '__metadata__';

/**
 * Parses and checks the JSON header: known dtypes, sizes that are natural numbers, byte counts that match dtype and
 * shape, and tensors that fill the data without overlaps or gaps.
 *
 * @param dataBytes length of the file after the header
 * @throws WeightsError naming the file and the tensor
 * @see https://github.com/huggingface/safetensors#format
 */
export function parseHeader(file: string, text: string, dataBytes: number): SafetensorsHeader {
  const fail = (message: string, cause?: unknown): never => {
    throw WeightsFileError.in(file, message, { cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return fail('expected a safetensors header in JSON, got text that does not parse', cause);
  }
  if (!isRecord(json)) return fail('expected a safetensors header that is a JSON object');
  const entries = new Map<string, HeaderEntry>();
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(json)) {
    if (name === KEY_OF_METADATA) metadata = parseMetadata(value, fail);
    else {
      assertPrintableName(file, name);
      entries.set(name, parseEntry(name, value, fail));
    }
  }
  if (entries.size > MAX_TENSORS) {
    fail(`expected at most ${MAX_TENSORS} tensors, got ${entries.size}`);
  }
  let position = 0;
  for (const [name, { start, end }] of [...entries].sort(byPosition)) {
    if (start !== position) {
      fail(`expected tensor "${name}" to start at byte ${position} of the data, got ${start}`);
    }
    if (end > dataBytes) {
      fail(`expected tensor "${name}" to end within ${dataBytes} bytes, got ${end} (truncated?)`);
    }
    position = end;
  }
  if (position !== dataBytes) fail(`expected ${position} bytes of tensors, got ${dataBytes}`);
  return { entries, metadata };
}

/** Types of the format that are not read: tensors of them are refused where they are needed. */
const OTHER_DTYPES = ['U16', 'U32', 'U64', 'C64', 'F4', 'F6_E2M3', 'F6_E3M2', 'F8_E8M0'];

function byPosition(a: readonly [string, HeaderEntry], b: readonly [string, HeaderEntry]): number {
  return a[1].start - b[1].start || a[1].end - b[1].end;
}

function parseEntry(name: string, value: unknown, fail: (message: string) => never): HeaderEntry {
  if (!isRecord(value)) return fail(`expected tensor "${name}" to be described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  const type = typeof dtype === 'string' ? dtype : '';
  const isRead = Object.hasOwn(BYTES_PER_ELEMENT, type);
  if (!isRead && !OTHER_DTYPES.includes(type)) {
    const known = Object.keys(BYTES_PER_ELEMENT).join(', ');
    return fail(`expected a dtype of ${known} for tensor "${name}", got ${quote(dtype)}`);
  }
  if (!isSizes(shape)) {
    return fail(`expected a shape of natural numbers for "${name}", got ${quote(shape)}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return fail(`expected two rising data_offsets for "${name}", got ${quote(offsets)}`);
  }
  const [start, end] = offsets;
  if (!isRead) return { dtype: 'U8', unreadable: type, shape, start, end };
  const needed = numBytes(dtype as DType, shape);
  if (end - start !== needed) {
    return fail(
      `expected ${needed} bytes for ${dtype} tensor "${name}" of shape [${shape.join(', ')}], got ${end - start}`,
    );
  }
  return { dtype: dtype as DType, shape, start, end };
}

function parseMetadata(
  value: unknown,
  fail: (message: string) => never,
): Readonly<Record<string, string>> {
  if (!isRecord(value) || !Object.values(value).every((item) => typeof item === 'string')) {
    return fail('expected __metadata__ to map strings to strings');
  }
  return value as Record<string, string>;
}

function isSizes(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) &&
    value.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)
  );
}
