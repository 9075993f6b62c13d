import { PNG } from 'pngjs';
import { ImageError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { readPngParts } from './chunks.js';
import { decodePngIndices } from './indices.js';

/**
 * Decodes a PNG of labels to its colors, without alpha. Gray values are repeated; palette images give their colors.
 *
 * @param file for messages
 * @returns `[H, W, 3]`, of 16 bits the upper 8
 * @throws DataError if the bytes are not a complete PNG, or an index has no color in the palette
 */
export function decodePngColors(bytes: Uint8Array, file: string): RgbImage {
  const { colorType, bitDepth } = readPngParts(bytes, file);
  if (colorType === 0 || colorType === 3) {
    const { width, height, data, palette } = decodePngIndices(bytes, file);
    const shift = bitDepth === 16 ? 8 : 0;
    const beyond = palette ? data.findIndex((index) => 3 * index >= palette.length) : -1;
    if (palette && beyond >= 0)
      throw ImageError.in(
        file,
        `expected colors of the palette's ${palette.length / 3}, got index ${data[beyond]} at pixel (${beyond % width}, ${Math.floor(beyond / width)})`,
      );
    const rgb = new Uint8Array(3 * data.length);
    for (let i = 0; i < data.length; i++)
      for (let c = 0; c < 3; c++)
        rgb[3 * i + c] = palette ? palette[3 * data[i] + c] : data[i] >> shift;
    return { width, height, data: rgb };
  }
  let png: PNG;
  try {
    png = PNG.sync.read(Buffer.from(bytes));
  } catch (cause) {
    const reason = (cause as Error).message;
    throw ImageError.in(file, `expected a complete PNG, got a damaged one (${reason})`, { cause });
  }
  const { width, height, data } = png; // RGBA
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0, o = 0; o < rgb.length; i += 4) {
    rgb[o++] = data[i];
    rgb[o++] = data[i + 1];
    rgb[o++] = data[i + 2];
  }
  return { width, height, data: rgb };
}
