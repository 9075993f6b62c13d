import sharp from 'sharp';
import { DataError } from '../../core/errors.js';
import { readBytes } from '../files/read.js';
import { readImageHeader, type ImageHeader } from '../image-header/read.js';
import type { RgbImage } from '../../core/image.js';

/** Limits and strictness of {@link decodeImage}. */
export interface DecodeOptions {
  /** Larger images are rejected before they are decoded; default {@link MAX_PIXELS}. */
  readonly maxPixels?: number;
  /** Accept JPEGs whose compressed data is damaged or ends early (gray areas); default false. */
  readonly tolerant?: boolean;
}

/** Pillow's limit for decompression bombs: twice a quarter GiB of RGB pixels. */
export const MAX_PIXELS = 178_956_970;

/** libjpeg warnings after which every pixel is still correct; Pillow and OpenCV ignore them, too. */
const HARMLESS = /extraneous bytes before marker|Invalid SOS parameters|Unknown Adobe color/i;

/**
 * Decodes a JPEG or PNG file to RGB. JPEG pixels equal Pillow's `convert('RGB')` (libjpeg-turbo: islow IDCT, fancy
 * upsampling). See {@link decodeImageBytes} for the conventions.
 *
 * @throws DataError with file and reason if it can't be read or decoded
 */
export async function decodeImage(file: string, options: DecodeOptions = {}): Promise<RgbImage> {
  return decodeImageBytes(await readBytes(file), file, options);
}

/**
 * Decodes a JPEG or PNG in memory to RGB, as the loaders of the original code do (Pillow `convert('RGB')`):
 * - embedded color profiles and EXIF orientation are ignored, and nothing is scaled while decoding; OpenCV's `imread`
 *   applies the EXIF orientation, which COCO's and ADE20K's files don't need;
 * - gray is repeated; alpha is dropped, not blended; CMYK and YCCK use Pillow's formula without a profile,
 *   `255 − K − C·(255 − K)/255` (`torchvision.io` gives the same values up to ±1);
 * - 16 bits keep the high byte (Pillow does so for RGB, but clips 16-bit gray at 255: white nearly everywhere).
 *
 * @param bytes the whole file
 * @param file name for error messages
 * @throws DataError if it is not a JPEG or PNG, damaged, or larger than `maxPixels`
 */
export async function decodeImageBytes(
  bytes: Uint8Array,
  file: string,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const header = readImageHeader(bytes, file);
  const maxPixels = options.maxPixels ?? MAX_PIXELS;
  if (header.width * header.height > maxPixels)
    throw DataError.in(
      file,
      `expected at most ${maxPixels} pixels, got ${header.width}x${header.height}; raise maxPixels if it is meant`,
    );
  try {
    return await decodePixels(bytes, header, options.tolerant ? 'none' : 'warning');
  } catch (strict) {
    try {
      if (HARMLESS.test(messageOf(strict))) return await decodePixels(bytes, header, 'truncated');
      throw strict;
    } catch (cause) {
      throw DataError.in(
        file,
        `expected a complete ${header.format.toUpperCase()}, got a damaged one (${messageOf(cause)})`,
        { cause },
      );
    }
  }
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).trim().replaceAll('\n', '; ');
}

async function decodePixels(
  bytes: Uint8Array,
  header: ImageHeader,
  failOn: 'none' | 'truncated' | 'warning',
): Promise<RgbImage> {
  let image = sharp(bytes, { ignoreIcc: true, failOn, limitInputPixels: false });
  const isCmyk = header.format === 'jpeg' && header.channels === 4;
  if (isCmyk) image = image.pipelineColourspace('cmyk').toColourspace('cmyk');
  else if (header.format === 'png') image = image.removeAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (isCmyk) return { width, height, data: cmykToRgb(data, !header.adobe) };
  return { width, height, data: channels === 1 ? repeatGray(data) : data };
}

function repeatGray(gray: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(gray.length * 3);
  for (let i = 0, o = 0; i < gray.length; i++) {
    rgb[o++] = gray[i];
    rgb[o++] = gray[i];
    rgb[o++] = gray[i];
  }
  return rgb;
}

/**
 * Converts CMYK to RGB like Pillow. Ink is 0 … 255; libvips undoes the inverted storage only if Adobe's marker is
 * present, Pillow always.
 *
 * @param cmyk `[H, W, 4]`
 * @returns `[H, W, 3]`
 */
function cmykToRgb(cmyk: Uint8Array, inverted: boolean): Uint8Array {
  const rgb = new Uint8ClampedArray((cmyk.length / 4) * 3);
  const flip = inverted ? 255 : 0;
  for (let i = 0, o = 0; i < cmyk.length; i += 4) {
    const light = 255 - (cmyk[i + 3] ^ flip);
    for (let c = 0; c < 3; c++) {
      const product = (cmyk[i + c] ^ flip) * light + 128;
      rgb[o++] = light - (((product >> 8) + product) >> 8); // rounded division by 255
    }
  }
  return new Uint8Array(rgb.buffer);
}
