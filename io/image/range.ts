import type { Sharp } from 'sharp';
import { ImageError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import type { ImageHeader } from '../image-header/read.js';

/** The values that become 0 and 255; those outside are clipped. */
export type PixelRange = readonly [lowest: number, highest: number];

/**
 * Decodes an image of more than 8 bits to RGB: `255 · (v − lowest) / (highest − lowest)`, rounded.
 *
 * @param image without alpha
 */
export async function scaleToBytes(
  image: Sharp,
  { isUnscaled, channels }: ImageHeader,
  [lowest, highest]: PixelRange,
): Promise<RgbImage> {
  // In its own space libvips keeps the numbers of an image.
  const { space: own = 'b-w' } = await image.metadata();
  const space = isUnscaled ? own : channels <= 2 ? 'grey16' : 'rgb16';
  const { data, info } = await image
    .toColourspace(space)
    .raw({ depth: isUnscaled ? 'float' : 'ushort' })
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const { buffer, byteOffset, byteLength } = data;
  const values = isUnscaled
    ? new Float32Array(buffer, byteOffset, byteLength / 4)
    : new Uint16Array(buffer, byteOffset, byteLength / 2);
  const factor = 255 / (highest - lowest);
  const rgb = new Uint8ClampedArray(3 * width * height); // rounds and clips
  const step = info.channels;
  for (let p = 0, o = 0; o < rgb.length; p += step)
    for (let c = 0; c < 3; c++) rgb[o++] = (values[p + (step < 3 ? 0 : c)] - lowest) * factor;
  return { width, height, data: new Uint8Array(rgb.buffer) };
}

/**
 * Checks that the numbers of an image have a scale.
 *
 * @throws DataError for floating-point and other numbers without a range
 */
export function assertScaled(
  { isUnscaled, bitsPerChannel }: ImageHeader,
  range: PixelRange | undefined,
  file: string,
): void {
  if (isUnscaled && !range)
    throw ImageError.in(
      file,
      `expected pixels of 8 or 16 bits, got ${bitsPerChannel}-bit numbers of unknown scale; write range: [lowest, highest] in data.yaml`,
    );
}
