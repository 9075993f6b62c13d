import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import type { Size } from '../../core/boxes.js';
import type { CocoIssue } from '../../io/coco/issues.js';
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

/** A size in an annotation file that is not that of its image. */
interface SizeIssue {
  readonly code: Extract<CocoIssue['code'], 'imageSize' | 'sizeListed'>;
  /** `expected 64x48 of a.png, got 640x480; …` */
  readonly message: string;
}

/**
 * Compares the size of an image with the one that its annotation file has. Annotations that fit the image only as listed,
 * and a listed size that is a scaled one, are those of another picture.
 *
 * @param listed sides of 0 where the file has none
 * @param options.name of the image
 * @param options.leaves whether an annotation leaves the image
 */
export function sizeIssue(
  { width, height }: Size,
  listed: Size,
  { name, leaves }: { readonly name: string; readonly leaves: boolean },
): SizeIssue | undefined {
  if (!(listed.width > 0 && listed.height > 0)) return undefined;
  if (width === listed.width && height === listed.height) return undefined;
  const message = `expected ${width}x${height} of ${name}, got ${listed.width}x${listed.height}`;
  const skew = Math.abs(width * listed.height - height * listed.width);
  const isOther = Math.abs(width - listed.width) > 0.02 * width;
  const isScaled = isOther && skew <= 0.01 * width * listed.height;
  if (!isScaled && !leaves) return { code: 'sizeListed', message };
  const why = '; its annotations are those of an image of another size';
  return { code: 'imageSize', message: message + why };
}

/** Whether a box of two corners, in any order, reaches beyond the right or lower border. */
export function leavesImage(
  [x1, y1, x2, y2]: readonly [number, number, number, number],
  { width, height }: Size,
): boolean {
  return Math.max(x1, x2) > width + 1 || Math.max(y1, y2) > height + 1;
}
