import type { FileHandle } from 'node:fs/promises';
import { FileError } from '../../core/errors.js';
import { fill, openFile, reasonOf } from '../files/read.js';

/** Number of `metadata_props` in ONNX's `ModelProto`. */
const METADATA_FIELD = 14;
/** Bytes of a tag and a length. */
const LONGEST_HEADER = 20;
/** Bytes that are read at a time: a file may have millions of small fields. */
const WINDOW_BYTES = 2 ** 16;
/** Largest sum of the texts. */
const MAX_TEXT_BYTES = 2 ** 26;
/** Cost of an entry besides its text. */
const ENTRY_BYTES = 2 ** 10;

/** A field of a protobuf message: its number and its contents. */
interface Field {
  readonly number: number;
  /** Wire type; 2 has a length. */
  readonly type: number;
  /** Position of the contents, and their length. */
  readonly start: number;
  readonly length: number;
}

/**
 * Reads the texts that travel with an ONNX file (`metadata_props`) without its weights.
 *
 * @throws FileError if the file cannot be read or is no protobuf message
 */
export async function readOnnxMetadata(file: string): Promise<Readonly<Record<string, string>>> {
  let handle: FileHandle;
  try {
    handle = await openFile(file);
  } catch (cause) {
    throw FileError.in(
      file,
      `expected an ONNX file, got none that can be read (${reasonOf(cause)})`,
      { cause },
    );
  }
  try {
    const { size } = await handle.stat();
    const texts: Record<string, string> = {};
    let window: { readonly from: number; readonly bytes: Buffer } | undefined;
    let left = MAX_TEXT_BYTES;
    for (let at = 0; at < size;) {
      const end = Math.min(at + LONGEST_HEADER, size);
      if (!window || at < window.from || end > window.from + window.bytes.length)
        window = { from: at, bytes: await read(handle, at, Math.min(WINDOW_BYTES, size - at)) };
      const field = fieldOf(window.bytes, at - window.from);
      const start = window.from + (field?.start ?? 0);
      if (!field || start + field.length > size)
        throw FileError.in(file, 'expected an ONNX file, got another or a damaged one');
      if (field.number === METADATA_FIELD) {
        left -= field.length + ENTRY_BYTES;
        if (left < 0)
          throw FileError.in(file, `expected at most ${MAX_TEXT_BYTES} bytes of texts, got more`);
        const [key, value] = textsOf(await read(handle, start, field.length));
        texts[key] = value;
      }
      at = start + field.length;
    }
    return texts;
  } finally {
    await handle.close();
  }
}

async function read(handle: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, await fill(handle, bytes, at));
}

/** Key and value of an entry. */
function textsOf(entry: Buffer): readonly [string, string] {
  const texts = ['', ''];
  for (let at = 0; at < entry.length;) {
    const field = fieldOf(entry, at);
    if (!field) break;
    if (field.number <= 2)
      texts[field.number - 1] = entry.toString('utf8', field.start, field.start + field.length);
    at = field.start + field.length;
  }
  return [texts[0], texts[1]];
}

/** Reads the header of a field; none if it is not valid. */
function fieldOf(bytes: Buffer, at: number): Field | undefined {
  const tag = varint(bytes, at);
  if (!tag || tag.value < 8) return undefined;
  const number = Math.floor(tag.value / 8);
  const type = tag.value % 8;
  switch (type) {
    case 0: {
      const value = varint(bytes, tag.end);
      return value && { number, type, start: value.end, length: 0 };
    }
    case 1:
      return { number, type, start: tag.end, length: 8 };
    case 2: {
      const length = varint(bytes, tag.end);
      return length && { number, type, start: length.end, length: length.value };
    }
    case 5:
      return { number, type, start: tag.end, length: 4 };
    default:
      return undefined;
  }
}

function varint(
  bytes: Buffer,
  at: number,
): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let i = 0; i < 10 && at + i < bytes.length; i++) {
    value += (bytes[at + i] & 0x7f) * 2 ** (7 * i);
    if (bytes[at + i] < 0x80) return { value, end: at + i + 1 };
  }
  return undefined;
}
