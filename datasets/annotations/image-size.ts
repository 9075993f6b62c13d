import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import type { Size } from '../../core/boxes.js';
import { readBytesSync } from '../../io/files/read.js';
import { isEmbedded } from '../../io/image/bytes.js';
import type { PixelRange } from '../../io/image/range.js';
import { readImageHeader, type ImageHeader } from '../../io/image-header/read.js';
import { annotatedSize, inspectImage } from '../inspect-image.js';
import { errorAsValue } from '../problems.js';

/** Beginning of a file that holds the size of most images. */
const START_BYTES = 4096;

/**
 * Reads the size of an image from its header: as displayed, or of the stored pixels if the listed size is theirs alone.
 * An error is returned, not thrown.
 *
 * @param options.range of images of more than 8 bits
 */
export async function imageSizeOf(
  folder: string,
  fileName: string,
  { listed, range }: { readonly listed?: Size; readonly range?: PixelRange | undefined } = {},
): Promise<Size | DataError> {
  const path = join(folder, fileName);
  const facts =
    headerAtStart(path) ?? (await errorAsValue(inspectImage(path, { decode: false, range })));
  return facts instanceof DataError ? facts : annotatedSize(facts, listed);
}

/** Undefined if the beginning of the file does not tell, or the pixels need a range: then more is looked at. */
function headerAtStart(path: string): ImageHeader | undefined {
  if (isEmbedded(path)) return undefined;
  try {
    const header = readImageHeader(readBytesSync(path, START_BYTES), path);
    return header && header.bitsPerChannel <= 8 ? header : undefined;
  } catch (error) {
    if (error instanceof DataError) return undefined;
    throw error;
  }
}
