import { ImageError } from '../../core/errors.js';
import { decodeJson } from '../files/json.js';
import { readBytes } from '../files/read.js';
import { readImageHeader } from '../image-header/read.js';
import { formatOf } from '../image-header/signatures.js';
import { embeddedImage, isLabelMe, labelMeIn } from '../labelme/read.js';

/** Whether an image may be embedded in an annotation file of LabelMe. */
export const isEmbedded = (file: string): boolean => /\.json$/i.test(file);

/**
 * Reads the bytes of an image file, or of the image that is embedded in a LabelMe file.
 *
 * @param limit number of bytes to read from the beginning of a file; default: all
 * @throws DataError if the file cannot be read, or is a LabelMe file without image
 */
export async function imageBytes(file: string, limit = Infinity): Promise<Uint8Array> {
  if (!isEmbedded(file))
    return readBytes(file, limit, (start) => {
      if (formatOf(start) === undefined) readImageHeader(start, file);
    });
  const bytes = await readBytes(file);
  const content = jsonIn(bytes, file);
  // Whoever decodes it says what it is instead of an image.
  if (!isLabelMe(content)) return bytes;
  const annotations = labelMeIn(content, file);
  if (annotations.imageData === undefined)
    throw ImageError.in(file, 'expected an image, got a LabelMe file that has none in it');
  return embeddedImage(annotations, file);
}

/** JSON document of a file; undefined if it is none. */
function jsonIn(bytes: Uint8Array, file: string): unknown {
  try {
    return decodeJson(bytes, file, 'a LabelMe file');
  } catch {
    return undefined;
  }
}
