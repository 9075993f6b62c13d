import { PNG } from 'pngjs';
import { assertBytes, assertObject } from '../../core/arguments.js';
import type { LabelMap, RgbImage } from '../../core/image.js';

/** Encodes a label map as 8-bit grayscale PNG. */
export function encodeLabelPng({ width, height, data }: LabelMap): Uint8Array {
  return encode(width, height, data, { colorType: 0, inputColorType: 0 });
}

/** Encodes 16-bit grayscale. @param values `[H, W]` */
export function encodeDeepPng(width: number, height: number, values: Uint16Array): Uint8Array {
  const png = new PNG({ width, height });
  png.data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const colors = { colorType: 0, inputColorType: 0, inputHasAlpha: false } as const;
  return PNG.sync.write(png, { ...colors, bitDepth: 16 });
}

/** Encodes a picture as 8-bit RGB PNG. */
export function encodeRgbPng(image: RgbImage): Uint8Array {
  assertObject('encodeRgbPng', 'an image as { width, height, data }', image);
  const { width, height, data } = image;
  assertBytes('encodeRgbPng', 'data as bytes', data);
  return encode(width, height, data, { colorType: 2, inputColorType: 2 });
}

/** @param data `[H, W, 4]`, alpha not premultiplied */
export function encodeRgbaPng(width: number, height: number, data: Uint8Array): Uint8Array {
  return encode(width, height, data, { colorType: 6, inputColorType: 6 });
}

function encode(
  width: number,
  height: number,
  data: Uint8Array,
  colors: { readonly colorType: 0 | 2 | 6; readonly inputColorType: 0 | 2 | 6 },
): Uint8Array {
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return PNG.sync.write(png, { ...colors, bitDepth: 8, inputHasAlpha: colors.colorType === 6 });
}
