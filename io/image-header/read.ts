import { DataError } from '../../core/errors.js';

/** Size and layout of an image file from its header. */
export interface ImageHeader {
  readonly format: 'jpeg' | 'png';
  readonly width: number;
  readonly height: number;
  /** Stored channels: 1 gray, 2 gray + alpha, 3 RGB or palette, 4 CMYK (JPEG) or RGBA (PNG). */
  readonly channels: number;
  /** 1–16 for PNG; 8 or 12 for JPEG. */
  readonly bitsPerChannel: number;
  /** JPEG: whether there is an Adobe marker, which determines the storage of CMYK. */
  readonly adobe: boolean;
}

/** Tags of a JPEG that decoders may apply or ignore. */
export interface JpegTags {
  /** EXIF orientation as stored: 1–8, or an invalid number; 1 if there is none. */
  readonly orientation: number;
  /** Whether an ICC profile is embedded. */
  readonly colorProfile: boolean;
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

const JPEG_SIGNATURE = [0xff, 0xd8];
const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const ascii = (text: string): readonly number[] => Array.from(text, (c) => c.charCodeAt(0));
const [ADOBE, EXIF, ICC] = ['Adobe', 'Exif\0\0', 'ICC_PROFILE\0'].map(ascii);
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/**
 * Reads size and color layout of a JPEG or PNG from its first bytes. Orientation tags are ignored.
 *
 * @param bytes the file, or as much of its beginning as reaches the frame header
 * @param file for the error message
 * @throws DataError if the bytes are not a JPEG or PNG, or end before the size
 */
export function readImageHeader(bytes: Uint8Array, file: string): ImageHeader {
  if (bytes.length === 0) throw DataError.in(file, 'expected an image, got an empty file');
  if (startsWith(bytes, JPEG_SIGNATURE)) return jpegHeader(bytes, file);
  if (startsWith(bytes, PNG_SIGNATURE)) return pngHeader(bytes, file);
  const known = KNOWN_SIGNATURES.find(([, signature]) => startsWith(bytes, signature));
  const start = Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' ');
  throw DataError.in(
    file,
    `expected a JPEG or PNG image, got ${known ? known[0] : 'something else'} (starts with ${start})`,
  );
}

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return bytes.length >= signature.length && signature.every((b, i) => bytes[i] === b);
}

function truncated(file: string, what: string, length: number): DataError {
  return DataError.in(file, `expected ${what}, got the end of the file after ${length} bytes`);
}

function pngHeader(bytes: Uint8Array, file: string): ImageHeader {
  if (bytes.length < 33) throw truncated(file, 'a PNG header', bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const channels = PNG_CHANNELS[bytes[25]];
  if (view.getUint32(12) !== 0x49484452 || channels === undefined || width * height === 0)
    throw DataError.in(file, 'expected a PNG header (IHDR), got a damaged one');
  return { format: 'png', width, height, channels, bitsPerChannel: bytes[24], adobe: false };
}

/**
 * Iterates over the segments of a JPEG before its pixels. Bytes between them are skipped, as in libjpeg; the last one may
 * be truncated.
 */
function* segments(bytes: Uint8Array): Generator<readonly [marker: number, content: Uint8Array]> {
  for (let at = 2; at + 4 <= bytes.length;) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0xff) {
      at++; // garbage or a fill byte
    } else if (marker <= 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2; // stuffed zeros, restart markers, start of image and TEM have no length
    } else {
      if (marker === 0xd9 || marker === 0xda) return; // end of image or start of scan
      const length = Math.max(2, (bytes[at + 2] << 8) | bytes[at + 3]);
      yield [marker, bytes.subarray(at + 4, at + 2 + length)];
      at += 2 + length;
    }
  }
}

function jpegHeader(bytes: Uint8Array, file: string): ImageHeader {
  let frame: Uint8Array | undefined;
  let adobe = false; // the marker may also follow the frame header
  for (const [marker, content] of segments(bytes)) {
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) frame ??= content;
    adobe ||= marker === 0xee && startsWith(content, ADOBE);
  }
  if (!frame || frame.length < 6) throw truncated(file, 'a JPEG frame header', bytes.length);
  const [bitsPerChannel, h1, h0, w1, w0, channels] = frame;
  const [height, width] = [(h1 << 8) | h0, (w1 << 8) | w0];
  if (width * height === 0)
    throw DataError.in(file, `expected a JPEG with pixels, got size ${width}x${height}`);
  return { format: 'jpeg', width, height, channels, bitsPerChannel, adobe };
}

/**
 * Reads the tags from the beginning of a file; defaults for other formats and truncated files.
 *
 * @see Exif 2.32 section 4.6 and ICC.1:2010 annex B.4
 */
export function readJpegTags(bytes: Uint8Array): JpegTags {
  let orientation = 1;
  let colorProfile = false;
  for (const [marker, content] of startsWith(bytes, JPEG_SIGNATURE) ? segments(bytes) : []) {
    if (marker === 0xe1 && startsWith(content, EXIF))
      orientation = orientationOf(content.subarray(6));
    colorProfile ||= marker === 0xe2 && startsWith(content, ICC);
  }
  return { orientation, colorProfile };
}

/** Tag 0x0112 of the first directory of a TIFF structure. */
function orientationOf(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const numEntries = view.getUint16(directory, little);
  for (let e = 0; e < numEntries; e++) {
    const entry = directory + 2 + 12 * e;
    if (entry + 12 > tiff.length) return 1;
    if (view.getUint16(entry, little) !== 0x0112) continue;
    return view.getUint16(entry + 8, little);
  }
  return 1;
}
