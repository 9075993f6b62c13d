import sharp, { type Sharp } from 'sharp';
import type { Size } from '../../core/boxes.js';
import { imageBytes } from './bytes.js';
import { decodeImageBytes } from './decode.js';

/**
 * Reads an image as a small gray picture of the given size, upright and without keeping its aspect ratio.
 *
 * @returns `[height, width]`
 * @throws DataError if it cannot be read
 */
export async function grayPicture(file: string, { width, height }: Size): Promise<Uint8Array> {
  return reduced(file, (image) =>
    image.resize(width, height, { fit: 'fill' }).greyscale().toColourspace('b-w').raw().toBuffer(),
  );
}

/** Reads an image as a JPEG of at most `longest` pixels a side, upright. @throws DataError if it cannot be read */
export async function jpegThumbnail(file: string, longest: number): Promise<Uint8Array> {
  const size = {
    width: longest,
    height: longest,
    fit: 'inside',
    withoutEnlargement: true,
  } as const;
  return reduced(file, (image) => image.resize(size).jpeg({ quality: 70 }).toBuffer());
}

/** Reduces while decoding, which is faster; where that fails, the usual decoder says why or does better. */
async function reduced(
  file: string,
  convert: (image: Sharp) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const bytes = await imageBytes(file);
  try {
    return await convert(sharp(bytes).rotate().flatten({ background: '#fff' }));
  } catch {
    const { width, height, data } = await decodeImageBytes(bytes, file, { upright: true });
    return convert(sharp(data, { raw: { width, height, channels: 3 } }));
  }
}
