import { type DataError, ImageError } from '../../core/errors.js';
import { readBmpHeader } from '../bmp/decode.js';
import { viewOf } from '../data-view.js';
import { displayedSize } from './orientation.js';
import { isRawTiff, tiffEntries } from './tiff-entries.js';
import {
  ascii,
  describeContent,
  formatOf,
  RAW_PHOTO,
  startsWith,
  type ImageFormat,
} from './signatures.js';

/** Size and layout of an image file from its header. */
export interface ImageHeader extends ImageTags {
  readonly format: ImageFormat;
  /** As displayed: turned by the EXIF orientation, unlike the stored pixels. */
  readonly width: number;
  readonly height: number;
  /** Stored channels: 1 gray, 2 gray + alpha, 3 RGB or palette, 4 CMYK or RGBA. */
  readonly channels: number;
  /** 1–16 for PNG; 8 or 12 for JPEG; up to 64 for TIFF. */
  readonly bitsPerChannel: number;
  /** Whether four channels are inks. */
  readonly isCmyk: boolean;
  /** Whether the numbers are floating-point, signed or of more than 16 bits, which have no fixed scale. */
  readonly isUnscaled: boolean;
}

/** Tags that decoders may apply or ignore. */
export interface ImageTags {
  /** EXIF orientation as stored: 1–8, or an invalid number; 1 if there is none. */
  readonly orientation: number;
  /** Whether an ICC profile is embedded. */
  readonly colorProfile: boolean;
}

const [EXIF, ICC] = ['Exif\0\0', 'ICC_PROFILE\0'].map(ascii);
const PNG_CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };
/** Tag of a TIFF structure. */
const ORIENTATION = 0x0112;
/** Types of the chunks of a PNG as numbers. */
const CHUNKS = { IHDR: 0x49484452, IDAT: 0x49444154, eXIf: 0x65584966, iCCP: 0x69434350 };
/**
 * Largest number of chunks, segments and stray bytes before the pixels that are looked at: real files have hundreds, and one
 * that is made for it millions.
 */
const MAX_PARTS = 2 ** 17;

/**
 * Reads size, color layout and tags of a JPEG, PNG or BMP from its first bytes.
 *
 * @param bytes the file, or as much of its beginning as reaches the frame header
 * @param file for the error message
 * @returns undefined for a format whose header only the decoder reads: WebP, AVIF, TIFF, GIF
 * @throws DataError if the bytes are no image in a known format, or end before the size
 */
export function readImageHeader(bytes: Uint8Array, file: string): ImageHeader | undefined {
  if (bytes.length === 0) throw ImageError.in(file, 'expected an image, got an empty file');
  const format = formatOf(bytes);
  switch (format) {
    case 'jpeg':
      return jpegHeader(bytes, file);
    case 'png':
      return pngHeader(bytes, file);
    case 'bmp':
      return headerOf('bmp', readBmpHeader(bytes, file), { channels: 3, bitsPerChannel: 8 });
    case undefined:
      throw ImageError.in(
        file,
        `expected a JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP image, got ${describeContent(bytes)}`,
      );
    case 'tiff':
      if (!isRawTiff(bytes)) return undefined;
      throw ImageError.in(file, `expected a photo, got ${RAW_PHOTO}`);
    default:
      return undefined;
  }
}

/** Completes a header from its fields in the file. */
function headerOf(
  format: ImageFormat,
  stored: { readonly width: number; readonly height: number },
  fields: Pick<ImageHeader, 'channels' | 'bitsPerChannel'> & Partial<ImageHeader>,
): ImageHeader {
  const { orientation = 1, colorProfile = false, isCmyk = false, isUnscaled = false } = fields;
  const size = displayedSize(stored, orientation);
  return { ...fields, ...size, format, orientation, colorProfile, isCmyk, isUnscaled };
}

function truncated(file: string, what: string, length: number): DataError {
  return ImageError.in(file, `expected ${what}, got the end of the file after ${length} bytes`);
}

function pngHeader(bytes: Uint8Array, file: string): ImageHeader {
  if (bytes.length < 33) throw truncated(file, 'a PNG header', bytes.length);
  const view = viewOf(bytes);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const channels = PNG_CHANNELS[bytes[25]];
  if (view.getUint32(12) !== CHUNKS.IHDR || channels === undefined || width * height === 0)
    throw ImageError.in(file, 'expected a PNG header (IHDR), got a damaged one');
  let [orientation, colorProfile] = [1, false];
  for (let at = 33, count = 0; at + 8 <= bytes.length && count < MAX_PARTS; count++) {
    const [length, type] = [view.getUint32(at), view.getUint32(at + 4)];
    if (type === CHUNKS.IDAT) break;
    if (type === CHUNKS.eXIf) orientation = orientationOf(bytes.subarray(at + 8, at + 8 + length));
    colorProfile ||= type === CHUNKS.iCCP;
    at += 12 + length;
  }
  const fields = { channels, bitsPerChannel: bytes[24], orientation, colorProfile };
  return headerOf('png', { width, height }, fields);
}

/**
 * Iterates over the segments of a JPEG before its pixels. Bytes between them are skipped, as in libjpeg; the last one may
 * be truncated.
 */
function* segments(bytes: Uint8Array): Generator<readonly [marker: number, content: Uint8Array]> {
  for (let at = 2, count = 0; at + 4 <= bytes.length && count < MAX_PARTS; count++) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff) {
      at = bytes.indexOf(0xff, at); // garbage
      if (at < 0) return;
    } else if (marker === 0xff) {
      at++; // a fill byte
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
  for (const [marker, content] of segments(bytes)) {
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) frame ??= content;
  }
  if (!frame || frame.length < 6) throw truncated(file, 'a JPEG frame header', bytes.length);
  const [bitsPerChannel, h1, h0, w1, w0, channels] = frame;
  const [height, width] = [(h1 << 8) | h0, (w1 << 8) | w0];
  if (width * height === 0)
    throw ImageError.in(file, `expected a JPEG with pixels, got size ${width}x${height}`);
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw ImageError.in(file, `expected a JPEG of 1, 3 or 4 channels, got one of ${channels}`);
  const fields = { channels, bitsPerChannel, isCmyk: channels === 4, ...readJpegTags(bytes) };
  return headerOf('jpeg', { width, height }, fields);
}

/**
 * Reads the tags from the beginning of a JPEG; defaults for other formats and truncated files.
 *
 * @see Exif 2.32 section 4.6 and ICC.1:2010 annex B.4
 */
export function readJpegTags(bytes: Uint8Array): ImageTags {
  let orientation = 1;
  let colorProfile = false;
  for (const [marker, content] of formatOf(bytes) === 'jpeg' ? segments(bytes) : []) {
    if (marker === 0xe1 && startsWith(content, EXIF))
      orientation = orientationOf(content.subarray(6));
    colorProfile ||= marker === 0xe2 && startsWith(content, ICC);
  }
  return { orientation, colorProfile };
}

/** Value of EXIF's tag of the orientation; 1 if there is none. */
function orientationOf(tiff: Uint8Array): number {
  for (const [tag, short] of tiffEntries(tiff)) if (tag === ORIENTATION) return short;
  return 1;
}
