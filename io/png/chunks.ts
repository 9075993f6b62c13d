import { type DataError, ImageError } from '../../core/errors.js';
import { crc32 } from '../crc32.js';

/** Content of a PNG file, still compressed. */
export interface PngParts {
  readonly width: number;
  readonly height: number;
  /** 1, 2, 4, 8 or 16. */
  readonly bitDepth: number;
  readonly colorType: PngColorType;
  readonly interlaced: boolean;
  /** Palette, `[n, 3]` RGB, if present. */
  readonly palette?: Uint8Array | undefined;
  /** Contents of the IDAT chunks. */
  readonly data: readonly Uint8Array[];
}

/** 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha. */
type PngColorType = 0 | 2 | 3 | 4 | 6;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const DEPTHS: Readonly<Record<PngColorType, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

/**
 * Parses a PNG file into its chunks; the checksum of every chunk is verified.
 *
 * @param file for messages
 * @throws DataError if the bytes are not a complete PNG
 * @see https://www.w3.org/TR/png-3/
 */
export function readPngParts(bytes: Uint8Array, file: string): PngParts {
  const wrong = (expected: string, got: string): DataError =>
    ImageError.in(file, `expected ${expected}, got ${got}`);
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte))
    throw wrong(
      'a PNG',
      bytes.length === 0 ? 'an empty file' : `bytes that begin ${hex(bytes.subarray(0, 8))}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Omit<PngParts, 'palette' | 'data'> | undefined;
  let palette: Uint8Array | undefined;
  const data: Uint8Array[] = [];
  for (let at = SIGNATURE.length; ;) {
    if (at + 12 > bytes.length) throw wrong('an end of the PNG (IEND)', 'the end of the file');
    const length = view.getUint32(at);
    const end = at + 12 + length;
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (end > bytes.length)
      throw wrong(`${length} bytes of chunk ${JSON.stringify(type)}`, 'the end of the file');
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4))
      throw wrong(`an intact chunk ${JSON.stringify(type)}`, 'a wrong checksum');
    const content = bytes.subarray(at + 8, end - 4);
    if (!header) {
      if (type !== 'IHDR' || length !== 13) throw wrong('a PNG header (IHDR)', type);
      header = headerOf(new DataView(content.buffer, content.byteOffset, 13), wrong);
    } else if (type === 'PLTE') {
      if (length === 0 || length % 3 !== 0 || length > 768)
        throw wrong('a palette of 1 to 256 colors', `${length} bytes`);
      palette = content;
    } else if (type === 'IDAT') data.push(content);
    else if (type === 'IEND') break;
    // A capital first letter marks critical chunks, which a decoder must understand.
    else if (type.charCodeAt(0) < 0x60) throw wrong('known chunks', JSON.stringify(type));
    at = end;
  }
  if (data.length === 0) throw wrong('pixels (IDAT)', 'none');
  if (header.colorType === 3 && !palette) throw wrong('a palette (PLTE)', 'none');
  return { ...header, data, palette };
}

function headerOf(
  view: DataView,
  wrong: (expected: string, got: string) => DataError,
): Omit<PngParts, 'palette' | 'data'> {
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [bitDepth, colorType] = [view.getUint8(8), view.getUint8(9)];
  const depths = (DEPTHS as Readonly<Record<number, readonly number[] | undefined>>)[colorType];
  if (width === 0 || height === 0 || width > 0x7fffffff || height > 0x7fffffff)
    throw wrong('a size above 0', `${width}x${height}`);
  if (!depths?.includes(bitDepth))
    throw wrong('a known pixel format', `color type ${colorType} with ${bitDepth} bits`);
  const [compression, filter, interlace] = [10, 11, 12].map((i) => view.getUint8(i));
  if (compression !== 0 || filter !== 0 || interlace > 1)
    throw wrong(
      'known methods',
      `compression ${compression}, filter ${filter}, interlace ${interlace}`,
    );
  return {
    width,
    height,
    bitDepth,
    colorType: colorType as PngColorType,
    interlaced: interlace === 1,
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
