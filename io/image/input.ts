import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { InputError } from '../../core/errors.js';
import { decodeImage, decodeImageBytes, type DecodeOptions } from './decode.js';
import type { RgbImage } from '../../core/image.js';

/** Pixels in memory. */
export interface PixelImage {
  readonly width: number;
  readonly height: number;
  /** `[height, width, channels]`, 0–255. */
  readonly data: Uint8Array | Uint8ClampedArray;
  /** RGB or RGBA, whose alpha is dropped; default: derived from the length of the data. */
  readonly channels?: 3 | 4 | undefined;
}

/** A path or `file:` URL of an image file, its bytes, or pixels. It must not change until the call ends. */
export type ImageInput = string | URL | Uint8Array | PixelImage;

const ALLOWED =
  'a path or file: URL of an image, its bytes as Buffer or Uint8Array, or { width, height, data, channels: 3 | 4 }';

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
  if (types.isUint8Array(image)) {
    if (image.length === 0) throw refused('no bytes');
    return () => decodeImageBytes(image, 'image', options);
  }
  if (typeof image !== 'object' || (image as unknown) === null || !('data' in image))
    throw refused(described(image));
  const pixels = rgbOf(image);
  return () => pixels;
}

function pathOf(image: string | URL): string {
  const text = String(image);
  if (text === '') throw refused('an empty path');
  if (typeof image === 'string' && !/^(data:|[a-z][a-z\d+.-]+:\/\/)/i.test(image)) return image;
  try {
    return fileURLToPath(text);
  } catch {
    throw refused(text.length > 60 ? `${text.slice(0, 60)}…` : text);
  }
}

function rgbOf({ width, height, data, channels }: PixelImage): RgbImage {
  for (const [name, side] of Object.entries({ width, height }))
    if (!Number.isSafeInteger(side) || side < 1)
      throw refused(`${name} ${described(side)}, which is no whole number of pixels from 1`);
  if (!types.isUint8Array(data) && !types.isUint8ClampedArray(data))
    throw refused(`data that is ${described(data)}`);
  const pixels = width * height;
  const numChannels = channels ?? (data.length === 4 * pixels ? 4 : 3);
  if (![3, 4].includes(numChannels)) throw refused(`channels ${described(channels)}`);
  if (data.length !== numChannels * pixels)
    throw refused(
      `${data.length} values for ${width}x${height} pixels of ${numChannels} channels, which take ${numChannels * pixels}`,
    );
  if (numChannels === 4) return { width, height, data: withoutAlpha(data) };
  const { buffer, byteOffset, length } = data;
  return {
    width,
    height,
    data: types.isUint8Array(data) ? data : new Uint8Array(buffer, byteOffset, length),
  };
}

/** Converts `[H, W, 4]` to `[H, W, 3]`. */
function withoutAlpha(rgba: Uint8Array | Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, o = 0; i < rgba.length; i += 4) {
    rgb[o++] = rgba[i];
    rgb[o++] = rgba[i + 1];
    rgb[o++] = rgba[i + 2];
  }
  return rgb;
}

const refused = (got: string): InputError =>
  new InputError(`image: expected ${ALLOWED}, got ${got}`);

function described(value: unknown): string {
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value !== 'object' || value === null) return String(value);
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return name === 'Object' ? `{ ${Object.keys(value).slice(0, 5).join(', ')} }` : `a ${name}`;
}
