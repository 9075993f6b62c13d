import { readBytes } from '../files/read.js';
import { readImageHeader } from '../image-header/read.js';
import { formatOf } from '../image-header/signatures.js';
import { embeddedImage, readLabelMe } from '../labelme/read.js';

/** Whether an image is embedded in an annotation file of LabelMe. */
export const isEmbedded = (file: string): boolean => /\.json$/i.test(file);

/**
 * Reads the bytes of an image file, or of the image that is embedded in a LabelMe file.
 *
 * @param limit number of bytes to read from the beginning of a file; default: all
 * @throws DataError if the file cannot be read, or has no image
 */
export async function imageBytes(file: string, limit = Infinity): Promise<Uint8Array> {
  if (!isEmbedded(file))
    return readBytes(file, limit, (start) => {
      if (formatOf(start) === undefined) readImageHeader(start, file);
    });
  return embeddedImage(readLabelMe(await readBytes(file), file), file);
}
