import { assertBytes } from '../../core/arguments.js';
import { AnnotationsError } from '../../core/errors.js';
import { readPngParts } from './chunks.js';
import { assertPngSize, readPngRows } from './rows.js';

/** One number per pixel, as stored: gray values are not scaled, palette images give indices. */
export interface PngIndices {
  readonly width: number;
  readonly height: number;
  /** `[H, W]`; `Uint16Array` only if the file has 16 bits. */
  readonly data: Uint8Array | Uint16Array;
  /** `[n, 3]` RGB, for palette images. */
  readonly palette?: Uint8Array | undefined;
}

/**
 * Decodes a label PNG: gray of 1 to 16 bits or a palette. (pngjs returns palette colors, which cannot be mapped back to
 * indices if two are equal, and takes four times as long.) An index beyond the palette is a number like any other: programs that
 * write labels store 255 for ignored pixels and only the colors of the classes.
 *
 * @param file for messages
 * @throws DataError if the bytes are not a complete PNG or contain colors instead of indices
 * @see https://www.w3.org/TR/png-3/
 */
export function decodePngIndices(bytes: Uint8Array, file: string): PngIndices {
  assertBytes('decodePngIndices', 'the bytes of a PNG file', bytes);
  const parts = readPngParts(bytes, file);
  const { width, height, colorType } = parts;
  if (colorType !== 0 && colorType !== 3)
    throw AnnotationsError.in(
      file,
      `expected a label PNG with one number per pixel (gray or palette), got ${COLOR_NAMES[colorType]}; convert the colors to class indices`,
    );
  assertPngSize(parts, file);
  const data = new (parts.bitDepth === 16 ? Uint16Array : Uint8Array)(width * height); // [H, W]
  readPngRows(parts, 1, file, ({ line, columns, start, step }) =>
    unpack(line, parts.bitDepth, columns, data, start, step),
  );
  return { width, height, data, palette: colorType === 3 ? parts.palette : undefined };
}

const COLOR_NAMES = { 2: 'RGB', 4: 'gray with alpha', 6: 'RGB with alpha' } as const;

/** Writes the values of a row to `data[start]`, `data[start + step]`, …. */
function unpack(
  line: Uint8Array,
  bitDepth: number,
  columns: number,
  data: Uint8Array | Uint16Array,
  start: number,
  step: number,
): void {
  if (bitDepth === 8 && step === 1) {
    data.set(line, start);
  } else if (bitDepth === 16) {
    for (let c = 0; c < columns; c++) data[start + c * step] = (line[2 * c] << 8) | line[2 * c + 1];
  } else {
    const perByte = 8 / bitDepth;
    const mask = (1 << bitDepth) - 1;
    for (let c = 0, byte = 0, at = start; c < columns; c++, at += step) {
      const place = c & (perByte - 1);
      if (place === 0) byte = line[c / perByte];
      data[at] = (byte >> (8 - bitDepth * (1 + place))) & mask;
    }
  }
}
