import { ImageError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { viewOf } from '../data-view.js';

/** Header of a BMP file. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Number of colors of the palette, 0 for all that the bits can name. */
  readonly numColors: number;
  readonly headerBytes: number;
  /** Position of the pixels. */
  readonly start: number;
}

/** Sizes of the headers by version. */
const HEADERS = [12, 40, 52, 56, 64, 108, 124];
const FILE_HEADER_BYTES = 14;
/** Largest image, whose colors fit 2³¹ bytes. */
const MAX_PIXELS = 715_827_882;
const [NONE, RLE8, RLE4, BIT_FIELDS, ALPHA_BIT_FIELDS] = [0, 1, 2, 3, 6];

/**
 * Reads the header of a BMP.
 *
 * @param bytes at least the beginning of the file
 * @throws DataError for a file that ends early, and for pixels that no version has
 * @see https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-header-types
 */
export function readBmpHeader(bytes: Uint8Array, file: string): BmpHeader {
  const view = viewOf(bytes);
  const headerBytes = bytes.length < 30 ? 0 : view.getUint32(14, true);
  if (!HEADERS.includes(headerBytes) || bytes.length < FILE_HEADER_BYTES + headerBytes)
    throw ImageError.in(file, `expected a BMP header, got ${bytes.length} bytes without one`);
  const isOld = headerBytes === 12;
  const width = isOld ? view.getUint16(18, true) : view.getInt32(18, true);
  const height = isOld ? view.getUint16(20, true) : view.getInt32(22, true);
  const bits = view.getUint16(isOld ? 24 : 28, true);
  const compression = isOld ? NONE : view.getUint32(30, true);
  if (width <= 0 || height === 0)
    throw ImageError.in(file, `expected a BMP with pixels, got size ${width}x${height}`);
  const allowed = {
    [RLE8]: [8],
    [RLE4]: [4],
    [BIT_FIELDS]: [16, 32],
    [ALPHA_BIT_FIELDS]: [16, 32],
  };
  const depths = compression === NONE ? [1, 4, 8, 16, 24, 32] : (allowed[compression] ?? []);
  if (!depths.includes(bits))
    throw ImageError.in(
      file,
      `expected a BMP of 1 to 32 bits in a known compression, got ${bits} bits, compression ${compression}`,
    );
  return {
    width,
    height: Math.abs(height),
    isTopDown: height < 0,
    bits,
    compression,
    numColors: isOld ? 0 : view.getUint32(46, true),
    headerBytes,
    start: view.getUint32(10, true),
  };
}

/**
 * Decodes a BMP of 1 to 32 bits, with or without run lengths. The fourth byte of 32 bits is dropped, as by Pillow.
 *
 * @throws DataError for a damaged file
 */
export function decodeBmp(bytes: Uint8Array, file: string): RgbImage {
  const header = readBmpHeader(bytes, file);
  const { width, height, bits, compression, isTopDown } = header;
  // Before memory is taken for sizes that the file only claims.
  const stride = rowBytes(header);
  if (compression !== RLE8 && compression !== RLE4)
    assertLength(bytes, header.start + stride * height, file);
  if (width * height > MAX_PIXELS)
    throw ImageError.in(file, `expected at most ${MAX_PIXELS} pixels, got ${width}x${height}`);
  const rgb = new Uint8Array(3 * width * height); // [H, W, 3]
  const rowStart = (row: number): number => 3 * width * (isTopDown ? row : height - 1 - row);
  if (bits <= 8) {
    const palette = paletteOf(bytes, header, file);
    const indices =
      compression === NONE ? packedIndices(bytes, header) : runIndices(bytes, header, file);
    for (let row = 0, i = 0; row < height; row++)
      for (let x = 0, o = rowStart(row); x < width; x++, i++, o += 3) {
        const color = 3 * indices[i];
        rgb[o] = palette[color];
        rgb[o + 1] = palette[color + 1];
        rgb[o + 2] = palette[color + 2];
      }
    return { width, height, data: rgb };
  }
  const channels = bits === 24 ? undefined : channelsOf(bytes, header);
  const view = viewOf(bytes);
  for (let row = 0; row < height; row++)
    for (let x = 0, o = rowStart(row), at = header.start + row * stride; x < width; x++) {
      if (!channels) {
        rgb[o++] = bytes[at + 2];
        rgb[o++] = bytes[at + 1];
        rgb[o++] = bytes[at];
        at += 3;
        continue;
      }
      const value = bits === 16 ? view.getUint16(at, true) : view.getUint32(at, true);
      for (const { mask, shift, largest } of channels)
        rgb[o++] = Math.floor((((value & mask) >>> shift) * 255) / largest);
      at += bits / 8;
    }
  return { width, height, data: rgb };
}

const rowBytes = ({ bits, width }: BmpHeader): number => 4 * Math.ceil((bits * width) / 32);

function assertLength(bytes: Uint8Array, expected: number, file: string): void {
  if (bytes.length < expected)
    throw ImageError.in(file, `expected a complete BMP of ${expected} bytes, got ${bytes.length}`);
}

/** `[256, 3]` RGB; colors that the file lacks are black. */
function paletteOf(bytes: Uint8Array, header: BmpHeader, file: string): Uint8Array {
  const { headerBytes, bits, numColors, start } = header;
  const entryBytes = headerBytes === 12 ? 3 : 4;
  const first = FILE_HEADER_BYTES + headerBytes;
  const room = Math.max(0, Math.floor((start - first) / entryBytes));
  const count = Math.min(numColors === 0 ? 2 ** bits : numColors, 2 ** bits, room);
  assertLength(bytes, first + count * entryBytes, file);
  const palette = new Uint8Array(768);
  for (let i = 0; i < count; i++) {
    const at = first + i * entryBytes;
    palette.set([bytes[at + 2], bytes[at + 1], bytes[at]], 3 * i);
  }
  return palette;
}

/** `[H, W]` indices of rows without compression, in the order of the file. */
function packedIndices(bytes: Uint8Array, header: BmpHeader): Uint8Array {
  const { width, height, bits, start } = header;
  const stride = rowBytes(header);
  const indices = new Uint8Array(width * height);
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  for (let row = 0, i = 0; row < height; row++)
    for (let x = 0; x < width; x++) {
      const byte = bytes[start + row * stride + Math.floor(x / perByte)];
      indices[i++] = (byte >> (8 - bits * (1 + (x % perByte)))) & mask;
    }
  return indices;
}

/** `[H, W]` indices of run lengths, in the order of the file; skipped pixels are 0. */
function runIndices(bytes: Uint8Array, header: BmpHeader, file: string): Uint8Array {
  const { width, height, bits, start } = header;
  const indices = new Uint8Array(width * height);
  const isNibble = bits === 4;
  let [x, row, at] = [0, 0, start];
  const put = (index: number): void => {
    if (x < width && row < height) indices[row * width + x] = index;
    x++;
  };
  /** The `i`-th index of packed bytes. */
  const unpack = (first: number, i: number): number =>
    isNibble ? (bytes[first + (i >> 1)] >> (i % 2 === 0 ? 4 : 0)) & 15 : bytes[first + i];
  while (row < height) {
    assertLength(bytes, at + 2, file);
    const [count, value] = [bytes[at], bytes[at + 1]];
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(unpack(at - 1, isNibble ? i % 2 : 0));
    } else if (value === 0) {
      [x, row] = [0, row + 1];
    } else if (value === 1) {
      break;
    } else if (value === 2) {
      assertLength(bytes, at + 2, file);
      x += bytes[at];
      row += bytes[at + 1];
      at += 2;
    } else {
      const length = isNibble ? Math.ceil(value / 2) : value;
      assertLength(bytes, at + length, file);
      for (let i = 0; i < value; i++) put(unpack(at, i));
      at += length + (length % 2);
    }
  }
  return indices;
}

interface Channel {
  readonly mask: number;
  readonly shift: number;
  /** Largest value. */
  readonly largest: number;
}

/** Bits of red, green and blue in pixels of 16 or 32 bits. */
function channelsOf(bytes: Uint8Array, { bits, compression }: BmpHeader): readonly Channel[] {
  const view = viewOf(bytes);
  const standard = bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  // The masks follow the first 40 bytes, in the header or after it.
  const masks =
    compression === NONE ? standard : [54, 58, 62].map((at) => view.getUint32(at, true));
  return masks.map((mask) => {
    const shift = mask === 0 ? 0 : Math.log2((mask & -mask) >>> 0);
    return { mask, shift, largest: Math.max(1, mask >>> shift) };
  });
}
