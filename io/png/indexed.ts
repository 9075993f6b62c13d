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
  if (palette.length % 3 !== 0 || palette.length === 0 || palette.length > 768)
    throw new ShapeError(
      `encodeIndexedPng: expected 3 bytes for each of 1 to 256 colors, got ${palette.length} bytes`,
    );
  // Pixels of grayscale and of indexed images are stored identically; only the header differs.
  const gray = encodeLabelPng(map);
  const headerEnd = SIGNATURE_BYTES + HEADER_BYTES;
  const header = gray.slice(SIGNATURE_BYTES + 8, headerEnd - 4);
  header[COLOR_TYPE_AT] = INDEXED;
  const colors = new Uint8Array(768).fill(255);
  colors.set(palette);
  return Buffer.concat([
    gray.subarray(0, SIGNATURE_BYTES),
    chunk('IHDR', header),
    chunk('PLTE', colors),
    gray.subarray(headerEnd),
  ]);
}

function chunk(type: string, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + content.length);
  bytes.writeUInt32BE(content.length, 0);
  bytes.write(type, 4, 'latin1');
  bytes.set(content, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + content.length)), 8 + content.length);
  return bytes;
}
