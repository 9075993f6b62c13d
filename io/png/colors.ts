import { ImageError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { readPngParts } from './chunks.js';
import { decodePngIndices } from './indices.js';
import { assertPngSize, readPngRows } from './rows.js';

/**
 * Decodes a PNG of labels to its colors, without alpha. Gray values are repeated; palette images give their colors.
 *
 * @param file for messages
 * @returns `[H, W, 3]`, of 16 bits the upper 8, rounded where there are several channels
 * @throws DataError if the bytes are not a complete PNG, or an index has no color in the palette
 */
export function decodePngColors(bytes: Uint8Array, file: string): RgbImage {
  const parts = readPngParts(bytes, file);
  const { colorType, bitDepth } = parts;
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
  const { width, height } = parts;
  const numChannels = NUM_CHANNELS[colorType];
  const [green, blue] = numChannels > 2 ? [1, 2] : [0, 0]; // gray is repeated
  assertPngSize(parts, file);
  const rgb = new Uint8Array(3 * width * height); // [H, W, 3]
  readPngRows(parts, numChannels, file, ({ line, columns, start, step }) => {
    const value = (i: number): number =>
      bitDepth === 8 ? line[i] : Math.floor((256 * line[2 * i] + line[2 * i + 1]) / 257 + 0.5);
    for (let c = 0, i = 0, o = 3 * start; c < columns; c++, i += numChannels, o += 3 * step) {
      rgb[o] = value(i);
      rgb[o + 1] = value(i + green);
      rgb[o + 2] = value(i + blue);
    }
  });
  return { width, height, data: rgb };
}

/** Numbers per pixel by type of colors. */
const NUM_CHANNELS = { 2: 3, 4: 2, 6: 4 } as const;
