import sharp, { type Sharp } from 'sharp';
import type { Size } from '../../core/boxes.js';
import { ImageError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { imageBytes, isEmbedded } from './bytes.js';
import { decodeImageBytes } from './decode.js';
import { imageHeader } from './header.js';
import { assertSides } from './sides.js';

/**
 * Reads an image as a small gray picture of the given size, upright and without keeping its aspect ratio.
 *
 * @returns `[height, width]`
 * @throws ImageError if it cannot be read
 */
export async function grayPicture(file: string, { width, height }: Size): Promise<Uint8Array> {
  return reduced(file, (image) =>
    image.resize(width, height, { fit: 'fill' }).greyscale().toColourspace('b-w').raw().toBuffer(),
  );
}

/** Reads an image as a JPEG of at most `longest` pixels per side, upright. @throws ImageError if it cannot be read */
export async function jpegThumbnail(file: string, longest: number): Promise<Uint8Array> {
  const size = {
    width: longest,
    height: longest,
    fit: 'inside',
    withoutEnlargement: true,
  } as const;
  return reduced(file, (image) => image.resize(size).jpeg({ quality: 70 }).toBuffer());
}

/**
 * Reads a large image file as an RGB picture of at most `longest` pixels per side, upright, without the memory of its pixels.
 *
 * @throws ImageError if it cannot be read
 */
export async function reducedImage(file: string, longest: number): Promise<RgbImage> {
  const source = isEmbedded(file) ? await imageBytes(file) : file;
  try {
    const { data, info } = await sharp(source, { limitInputPixels: false })
      .rotate()
      .resize(longest, longest, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data };
  } catch (cause) {
    const { message } = cause as Error;
    throw ImageError.in(file, `expected a complete image, got a damaged one (${message})`, {
      cause,
    });
  }
}

/** Reduces while decoding, which is faster; where that fails, the usual decoder says why or does better. */
async function reduced(
  file: string,
  convert: (image: Sharp) => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const bytes = await imageBytes(file);
  assertSides(await imageHeader(bytes, file), file);
  try {
    return await convert(sharp(bytes).rotate().flatten({ background: '#fff' }));
  } catch {
    const { width, height, data } = await decodeImageBytes(bytes, file, { upright: true });
    return convert(sharp(data, { raw: { width, height, channels: 3 } }));
  }
}
