import sharp, { type Metadata } from 'sharp';
import { ImageError } from '../../core/errors.js';
import { displayedSize } from '../image-header/orientation.js';
import { readImageHeader, type ImageHeader } from '../image-header/read.js';

/** Types of the pixels of libvips that have a fixed scale, with their bits. */
const SCALED_BITS: Readonly<Record<string, number>> = { uchar: 8, ushort: 16 };
const OTHER_BITS: Readonly<Record<string, number>> = {
  char: 8,
  short: 16,
  uint: 32,
  int: 32,
  float: 32,
  double: 64,
};

/**
 * Reads the header of an image in any format that is read.
 *
 * @param bytes the whole file
 * @param file for the error message
 * @throws DataError if it is no image in a known format, or its header is damaged
 */
export async function imageHeader(bytes: Uint8Array, file: string): Promise<ImageHeader> {
  return readImageHeader(bytes, file) ?? headerByDecoder(bytes, file);
}

/**
 * Reads the header of a WebP, AVIF, TIFF or GIF by the decoder.
 *
 * @param source path or the whole file
 * @throws DataError if it is damaged
 */
export async function headerByDecoder(
  source: string | Uint8Array,
  file: string,
): Promise<ImageHeader> {
  let found: Metadata;
  try {
    found = await sharp(source, { limitInputPixels: false }).metadata();
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw ImageError.in(file, `expected an image, got a damaged one (${reason})`, { cause });
  }
  const { orientation = 1, channels, depth, hasProfile: colorProfile } = found;
  const bits = SCALED_BITS[depth] as number | undefined;
  return {
    ...displayedSize(found, orientation),
    format: found.format === 'heif' ? 'avif' : (found.format as ImageHeader['format']),
    channels,
    bitsPerChannel: bits ?? OTHER_BITS[depth] ?? 64,
    orientation,
    colorProfile,
    isCmyk: found.space === 'cmyk',
    isUnscaled: bits === undefined,
  };
}
