import { FileError, type InputError } from '../../core/errors.js';
import { MAX_WHOLE_BYTES, readWhole, reasonOf } from './read.js';

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const LFS = 'version https://git-lfs.github.com/spec/';

/**
 * Decodes the text of a file: UTF-8, or UTF-16 with a byte order mark or recognizable by the zeros beside ASCII. The
 * mark is removed.
 *
 * @param file for messages
 * @param expected names the content in messages, e.g. "a label file"
 * @param encoding of the file if it declares another one, as labels of the WHATWG Encoding Standard
 * @throws DataError for a Git LFS pointer, and for bytes that are no text of the encoding
 */
export function decodeText(
  bytes: Uint8Array,
  file: string,
  expected: string,
  encoding?: string,
): string {
  const label = utf16Of(bytes) ?? encoding;
  // Creating a decoder takes longer than decoding a small file.
  const decoder = label === undefined ? UTF8 : decoderOf(bytes, file, expected, encoding);
  const text = decodeChunk(decoder, bytes, file, true);
  if (text.startsWith(LFS))
    throw FileError.in(
      file,
      `expected ${expected}, got a Git LFS pointer; fetch the file itself with \`git lfs pull\``,
    );
  return text;
}

/** Creates the decoder of a text by its first bytes. @throws DataError for an unknown encoding */
export function decoderOf(
  bytes: Uint8Array,
  file: string,
  expected: string,
  encoding?: string,
): TextDecoder {
  const label = utf16Of(bytes) ?? encoding ?? 'utf-8';
  try {
    return new TextDecoder(label, { fatal: true });
  } catch (cause) {
    const message = `expected ${expected} in a known encoding, got ${label}`;
    throw FileError.in(file, message, { cause });
  }
}

/** Decodes the next bytes of a text. @throws DataError for bytes that are no text of the encoding */
export function decodeChunk(
  decoder: TextDecoder,
  bytes: Uint8Array,
  file: string,
  isLast: boolean,
): string {
  try {
    return decoder.decode(bytes, { stream: !isLast });
  } catch (cause) {
    const message = `expected text in ${decoder.encoding}, got other bytes`;
    throw FileError.in(file, message, { cause });
  }
}

/**
 * Reads the text of a file.
 *
 * @param maxBytes a larger file is refused before it is read
 * @throws InputError of the class `Errors` if it cannot be read; DataError as {@link decodeText}
 */
export function readText(
  file: string,
  expected: string,
  Errors: typeof InputError = FileError,
  maxBytes = MAX_WHOLE_BYTES,
): string {
  let bytes: Uint8Array;
  try {
    bytes = readWhole(file, maxBytes);
  } catch (cause) {
    throw Errors.in(file, `expected ${expected}, got ${reasonOf(cause)}`, { cause });
  }
  return decodeText(bytes, file, expected);
}

function utf16Of(bytes: Uint8Array): string | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first > 0 && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second > 0)) return 'utf-16be';
  return undefined;
}
