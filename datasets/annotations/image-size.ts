import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import type { Size } from '../../core/boxes.js';
import type { PixelRange } from '../../io/image/range.js';
import { annotatedSize, inspectImage } from '../inspect-image.js';
import { errorAsValue } from '../problems.js';

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
  const facts = await errorAsValue(inspectImage(join(folder, fileName), { decode: false, range }));
  return facts instanceof DataError ? facts : annotatedSize(facts, listed);
}
