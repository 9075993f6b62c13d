import { DataError } from '../../core/errors.js';

/** What the first bytes of an image file say, before any pixel is decoded. */
export interface ImageHeader {
  readonly format: 'jpeg' | 'png';
  readonly width: number;
  readonly height: number;
  /** Stored channels: 1 grey, 2 grey + alpha, 3 RGB or palette, 4 CMYK (JPEG) or RGBA (PNG). */
  readonly channels: number;
  /** 1–16 for PNG; 8 or 12 for JPEG. */
  readonly bitsPerChannel: number;
  /** JPEG: whether there is an Adobe marker, which decides how CMYK is stored. */
  readonly adobe: boolean;
}

const KNOWN_SIGNATURES: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['a GIF', [0x47, 0x49, 0x46, 0x38]],
  ['a RIFF file (WebP?)', [0x52, 0x49, 0x46, 0x46]],
  ['a BMP', [0x42, 0x4d]],
  ['a TIFF', [0x49, 0x49, 0x2a, 0x00]],
  ['a TIFF', [0x4d, 0x4d, 0x00, 0x2a]],
  ['a PDF', [0x25, 0x50, 0x44, 0x46]],
  ['a zip archive', [0x50, 0x4b, 0x03, 0x04]],
  ['gzip data', [0x1f, 0x8b]],
];

const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/**
 * Reads size and colour layout of a JPEG or PNG from its first bytes. Orientation tags are not looked at.
 *
 * @param bytes the file, or as much of its beginning as reaches the frame header
 * @param file for the error message
 * @throws DataError if the bytes are no JPEG or PNG, or end before the size
 */
export function readImageHeader(bytes: Uint8Array, file: string): ImageHeader {
  if (bytes.length === 0)
    throw new DataError(`${file}: expected an image, got an empty file`, { file });
  if (startsWith(bytes, [0xff, 0xd8])) return jpegHeader(bytes, file);
  if (startsWith(bytes, PNG_SIGNATURE)) return pngHeader(bytes, file);
  const known = KNOWN_SIGNATURES.find(([, signature]) => startsWith(bytes, signature));
  const start = Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
  throw new DataError(
    `${file}: expected a JPEG or PNG image, got ${known ? known[0] : 'something else'} (starts with ${start})`,
    { file },
  );
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return bytes.length >= signature.length && signature.every((b, i) => bytes[i] === b);
}

function truncated(file: string, what: string, length: number): DataError {
  return new DataError(`${file}: expected ${what}, got the end of the file after ${length} bytes`, {
    file,
  });
}

function pngHeader(bytes: Uint8Array, file: string): ImageHeader {
  if (bytes.length < 33) throw truncated(file, 'a PNG header', bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const channels = PNG_CHANNELS[bytes[25]];
  if (view.getUint32(12) !== 0x49484452 || channels === undefined || width * height === 0)
    throw new DataError(`${file}: expected a PNG header (IHDR), got a damaged one`, { file });
  return { format: 'png', width, height, channels, bitsPerChannel: bytes[24], adobe: false };
}

function jpegHeader(bytes: Uint8Array, file: string): ImageHeader {
  let adobe = false;
  let at = 2;
  while (at + 4 <= bytes.length) {
    if (bytes[at] !== 0xff) {
      at++; // garbage between segments, which libjpeg skips as well
      continue;
    }
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // fill byte
      continue;
    }
    // Stuffed zeros, restart markers, start of image and TEM carry no length.
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (marker === 0xd9 || marker === 0xda) break; // end of image or start of scan without a frame
    const length = (bytes[at + 2] << 8) | bytes[at + 3];
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      if (at + 10 > bytes.length) break;
      const height = (bytes[at + 5] << 8) | bytes[at + 6];
      const width = (bytes[at + 7] << 8) | bytes[at + 8];
      if (width * height === 0)
        throw new DataError(`${file}: expected a JPEG with pixels, got size ${width}x${height}`, {
          file,
        });
      const bitsPerChannel = bytes[at + 4];
      // Adobe's marker may also follow the frame header; it matters for four channels only.
      const channels = bytes[at + 9];
      if (channels === 4 && !adobe) adobe = hasAdobeMarker(bytes, at + 2 + length);
      return { format: 'jpeg', width, height, channels, bitsPerChannel, adobe };
    }
    if (marker === 0xee && startsWith(bytes.subarray(at + 4), [0x41, 0x64, 0x6f, 0x62, 0x65]))
      adobe = true;
    at += 2 + length;
  }
  throw truncated(file, 'a JPEG frame header', bytes.length);
}

function hasAdobeMarker(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    if (
      bytes[at + 1] === 0xee &&
      startsWith(bytes.subarray(at + 4), [0x41, 0x64, 0x6f, 0x62, 0x65])
    )
      return true;
    at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
  }
  return false;
}
