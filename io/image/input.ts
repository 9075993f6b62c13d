import { fileURLToPath } from 'node:url';
import { describedValue, isUint8Array } from '../../core/arguments.js';
import { decodeImage, decodeImageBytes, type DecodeOptions } from './decode.js';
import { partsOf, type ImageParts, type RgbImage } from '../../core/image.js';
import { imageParts } from './parts.js';
import { refusedImage, rgbOf, type PixelImage } from './pixels.js';

/** A path or `file:` URL of an image file, its bytes, or pixels. It must not change until the call ends. */
export type ImageInput = string | URL | Uint8Array | PixelImage;

/**
 * Checks an image as far as possible without decoding it.
 *
 * @param options how files and bytes are decoded
 * @returns function that decodes it to RGB or throws a DataError; pixels of three channels are not copied
 * @throws InputError that names the allowed inputs
 */
export function imageReader(
  image: ImageInput,
  options?: DecodeOptions,
): () => RgbImage | Promise<RgbImage> {
  if (typeof image === 'string' || image instanceof URL) {
    const file = pathOf(image);
    return () => decodeImage(file, options);
  }
  if (isUint8Array(image)) {
    if (image.length === 0) throw refusedImage('no bytes');
    return () => decodeImageBytes(image, 'image', options);
  }
  if (typeof image !== 'object' || (image as unknown) === null || !('data' in image))
    throw refusedImage(describedValue(image));
  const pixels = rgbOf(image);
  return () => pixels;
}

/**
 * Checks an image as {@link imageReader} does, to be read in parts: a file that is too large for memory is decoded part by
 * part.
 *
 * @throws InputError that names the allowed inputs
 */
export function partsReader(
  image: ImageInput,
  options?: DecodeOptions,
): () => ImageParts | Promise<ImageParts> {
  if (typeof image === 'string' || image instanceof URL) {
    const file = pathOf(image);
    return () => imageParts(file, file, options);
  }
  if (isUint8Array(image) && image.length > 0) return () => imageParts(image, 'image', options);
  const read = imageReader(image, options);
  return async () => partsOf(await read());
}

function pathOf(image: string | URL): string {
  const text = String(image);
  if (text === '') throw refusedImage('an empty path');
  if (typeof image === 'string' && !/^(data:|[a-z][a-z\d+.-]+:\/\/)/i.test(image)) return image;
  try {
    return fileURLToPath(text);
  } catch {
    throw refusedImage(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  }
}
