import { describedValue, isUint8Array, kindOf } from '../../core/arguments.js';
import { InputError } from '../../core/errors.js';
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

const ALLOWED =
  'a path or file: URL of an image, its bytes as Buffer or Uint8Array, or { width, height, data, channels: 3 | 4 }';

/**
 * Checks pixels in memory and drops their alpha; pixels of three channels are not copied.
 *
 * @throws InputError that names the allowed inputs
 */
export function rgbOf({ width, height, data, channels }: PixelImage): RgbImage {
  for (const [name, side] of Object.entries({ width, height }))
    if (!Number.isSafeInteger(side) || side < 1)
      throw refusedImage(
        `${name} ${describedValue(side)}, which is no whole number of pixels from 1`,
      );
  if (!isBytes(data)) throw refusedImage(`data that is ${describedValue(data)}`);
  const pixels = width * height;
  const numChannels = channels ?? (data.length === 4 * pixels ? 4 : 3);
  if (![3, 4].includes(numChannels)) throw refusedImage(`channels ${describedValue(channels)}`);
  if (data.length !== numChannels * pixels)
    throw refusedImage(
      `${data.length} values for ${width}x${height} pixels of ${numChannels} channels, which take ${numChannels * pixels}`,
    );
  if (numChannels === 4) return { width, height, data: withoutAlpha(data) };
  const { buffer, byteOffset, length } = data;
  return {
    width,
    height,
    data: isUint8Array(data) ? data : new Uint8Array(buffer, byteOffset, length),
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

/** Error for anything that is no image. */
export const refusedImage = (got: string): InputError =>
  new InputError(`image: expected ${ALLOWED}, got ${got}`);

const isBytes = (value: unknown): value is Uint8Array | Uint8ClampedArray =>
  isUint8Array(value) || (ArrayBuffer.isView(value) && kindOf(value) === 'Uint8ClampedArray');
