import { readBytes } from '../files/read.js';
import { formatOf } from '../image-header/signatures.js';
import { readImageHeader, type ImageHeader } from '../image-header/read.js';
import { imageBytes, isEmbedded } from './bytes.js';

/** Beginnings of a file that hold the header of most and of nearly every image; larger ones are read whole. */
const HEADER_BYTES = [1 << 12, 1 << 16] as const;

/** Number of bytes that are enough for the header of most images. */
export const [START_BYTES] = HEADER_BYTES;

/** Reads the header of an image file. @throws DataError if the file cannot be read, or is no image in a known format */
export async function fileHeader(path: string): Promise<ImageHeader> {
  return headerOf(await imageBytes(path, START_BYTES), path);
}

/**
 * Reads the header of an image file of which the beginning, or all, is read already.
 *
 * @throws DataError as {@link fileHeader}
 */
export async function headerOf(bytes: Uint8Array, path: string): Promise<ImageHeader> {
  let header: ImageHeader | undefined;
  try {
    header = readImageHeader(bytes, path);
  } catch (error) {
    const next = HEADER_BYTES.findIndex((length) => length === bytes.length);
    if (next < 0 || formatOf(bytes) === undefined) throw error;
    return headerOf(await readBytes(path, HEADER_BYTES[next + 1]), path);
  }
  if (header) return header;
  // Loaded only here: the decoder brings a native library.
  const { headerByDecoder } = await import('./header.js');
  return headerByDecoder(isEmbedded(path) ? bytes : path, path);
}
