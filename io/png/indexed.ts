import { Readable } from 'node:stream';
import { createDeflate } from 'node:zlib';
import { ShapeError } from '../../core/errors.js';
import { crc32 } from '../crc32.js';
import { encodeLabelPng } from './write.js';
import type { LabelMap } from '../../core/image.js';

const SIGNATURE_BYTES = 8;
/** Length, type, content and checksum of the header. */
const HEADER_BYTES = 4 + 4 + 13 + 4;
const COLOR_TYPE_AT = 9;
const INDEXED = 3;

/**
 * Encodes a label map as 8-bit PNG with a palette: readers of labels get the indices, image viewers show the colors.
 * Indices beyond the palette are white.
 *
 * @param palette `[K, 3]` RGB, K up to 256
 * @throws ShapeError for a palette of another shape
 */
export function encodeIndexedPng(map: LabelMap, palette: Uint8Array): Uint8Array {
  const colors = paletteOf(palette);
  // Pixels of grayscale and of indexed images are stored identically; only the header differs.
  const gray = encodeLabelPng(map);
  const headerEnd = SIGNATURE_BYTES + HEADER_BYTES;
  const header = gray.slice(SIGNATURE_BYTES + 8, headerEnd - 4);
  header[COLOR_TYPE_AT] = INDEXED;
  return Buffer.concat([
    gray.subarray(0, SIGNATURE_BYTES),
    chunk('IHDR', header),
    chunk('PLTE', colors),
    gray.subarray(headerEnd),
  ]);
}

/** Label maps of more pixels are compressed row by row. */
const LARGE_PIXELS = 2 ** 26;

/**
 * Encodes a label map as {@link encodeIndexedPng} does; a large one without a second copy of its pixels.
 *
 * @throws ShapeError for a palette of another shape
 */
export async function encodeLargeIndexedPng(
  map: LabelMap,
  palette: Uint8Array,
  largePixels = LARGE_PIXELS,
): Promise<Uint8Array> {
  const { width, height, data } = map;
  if (width * height <= largePixels) return encodeIndexedPng(map, palette);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, INDEXED, 0, 0, 0], 8);
  function* rows(): Generator<Uint8Array> {
    for (let y = 0; y < height; y++) {
      const row = new Uint8Array(1 + width); // filter 0, then the pixels
      row.set(data.subarray(y * width, (y + 1) * width), 1);
      yield row;
    }
  }
  const parts: Uint8Array[] = [
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk('IHDR', header),
    chunk('PLTE', paletteOf(palette)),
  ];
  const compressed = Readable.from(rows(), { objectMode: false }).pipe(createDeflate());
  for await (const part of compressed) parts.push(chunk('IDAT', part as Uint8Array));
  return Buffer.concat([...parts, chunk('IEND', new Uint8Array(0))]);
}

/** 256 colors; white where the palette has none. @throws ShapeError for a palette of another shape */
function paletteOf(palette: Uint8Array): Uint8Array {
  if (palette.length % 3 !== 0 || palette.length === 0 || palette.length > 768)
    throw new ShapeError(
      `encodeIndexedPng: expected 3 bytes for each of 1 to 256 colors, got ${palette.length} bytes`,
    );
  const colors = new Uint8Array(768).fill(255);
  colors.set(palette);
  return colors;
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}
