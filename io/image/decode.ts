import sharp from 'sharp';
import { assertText } from '../../core/arguments.js';
import * as rule from '../../core/options.js';
import { ImageError } from '../../core/errors.js';
import { MAX_PIXELS, type RgbImage } from '../../core/image.js';
import { decodeBmp } from '../bmp/decode.js';
import { imageBytes } from './bytes.js';
import type { Size } from '../../core/boxes.js';
import type { Rect } from '../../core/rect.js';
import { displayedSize } from '../image-header/orientation.js';
import type { ImageHeader } from '../image-header/read.js';
import { imageHeader } from './header.js';
import { uprightImage } from './orient.js';
import { assertScaled, scaleToBytes, type PixelRange } from './range.js';
import { assertSides } from './sides.js';

/** Options of {@link decodeImage}. */
export interface DecodeOptions {
  /** Larger images are rejected before they are decoded; default {@link MAX_PIXELS}. */
  readonly maxPixels?: number | undefined;
  /**
   * Whether to turn the image upright by its EXIF orientation; default false: the stored pixels. A size is that of
   * annotations, which are in the stored frame if only that one has it.
   */
  readonly upright?: boolean | Size | undefined;
  /** Values that become 0 and 255 in images of more than 8 bits; default: their upper 8 bits. */
  readonly range?: PixelRange | undefined;
}

const RULES: rule.OptionRules<DecodeOptions> = {
  maxPixels: rule.ruled('a number above 0', (value) => typeof value === 'number' && value > 0),
  upright: rule.ruled(
    'true, false or a size',
    (value) => typeof value === 'boolean' || (typeof value === 'object' && value !== null),
  ),
  range: rule.A_LIST,
};

/** libjpeg warnings after which every pixel is still correct; Pillow and OpenCV ignore them, too. */
const HARMLESS = /extraneous bytes before marker|Invalid SOS parameters|Unknown Adobe color/i;

/**
 * Decodes an image file to RGB: JPEG, PNG, WebP, AVIF, TIFF, BMP and the first frame of a GIF. JPEG pixels equal Pillow's
 * `convert('RGB')` (libjpeg-turbo: islow IDCT, fancy upsampling). See {@link decodeImageBytes} for the conventions.
 *
 * @throws DataError with file and reason if it can't be read or decoded
 *
 * @example
 *   ```ts
 *   const { width, height, data } = await decodeImage('photo.jpg');
 *   console.log(data.length === 3 * width * height); // true
 *   ```
 */
export async function decodeImage(file: string, options: DecodeOptions = {}): Promise<RgbImage> {
  assertText('decodeImage', 'the path of an image', file);
  rule.assertOptions('decodeImage', options, RULES);
  return decodeImageBytes(await imageBytes(file), file, options);
}

/**
 * Decodes an image in memory to RGB, as the loaders of the original code do (Pillow `convert('RGB')`):
 * - embedded color profiles are ignored, and nothing is scaled while decoding;
 * - the EXIF orientation is ignored, as by timm, unless `upright` is given, as OpenCV's `imread` does;
 * - gray is repeated; alpha is dropped, not blended; CMYK and YCCK use Pillow's formula without a profile,
 *   `255 − K − C·(255 − K)/255` (`torchvision.io` gives the same values up to ±1);
 * - 16 bits keep the high byte (Pillow does so for RGB, but clips 16-bit gray at 255: white nearly everywhere), or are
 *   scaled by `range`, which floating-point pixels need.
 *
 * @param bytes the whole file
 * @param file name for error messages
 * @throws DataError if it is no image in a known format, damaged, larger than `maxPixels`, or has a
 *   side of more than 2²⁰ pixels
 */
export async function decodeImageBytes(
  bytes: Uint8Array,
  file: string,
  options: DecodeOptions = {},
): Promise<RgbImage> {
  const header = await imageHeader(bytes, file);
  assertSides(header, file);
  const maxPixels = options.maxPixels ?? MAX_PIXELS;
  if (header.width * header.height > maxPixels)
    throw ImageError.in(
      file,
      `expected at most ${maxPixels} pixels, got ${header.width}x${header.height}; raise maxPixels if it is meant, or predict it in tiles of 1024 pixels`,
      { flags: { 'in tiles of 1024 pixels': 'in tiles (--tile 1024)' } },
    );
  assertScaled(header, options.range, file);
  const image = await decodeStored(bytes, file, header, options);
  return isTurned(header, options.upright) ? uprightImage(image, header.orientation) : image;
}

/** Stored pixels that are decoded. */
interface StoredArea {
  readonly rect: Rect;
  /** Whether the format has tiles, so that only those of the area are decoded. */
  readonly isTiled: boolean;
}

/**
 * Decodes the stored pixels of an image, or an area of them; see {@link decodeImageBytes} for the conventions.
 *
 * @param source the whole file, or its path
 * @param area not for BMP
 * @throws DataError if it is damaged
 */
export async function decodeStored(
  source: Uint8Array | string,
  file: string,
  header: ImageHeader,
  { range }: DecodeOptions,
  area?: StoredArea,
): Promise<RgbImage> {
  if (header.format === 'bmp' && typeof source !== 'string') return decodeBmp(source, file);
  const bytes = { source, area };
  // libtiff warns of every tag that it does not know.
  const strictness = header.format === 'tiff' ? 'error' : 'warning';
  try {
    return await decodePixels(bytes, header, range, strictness);
  } catch (strict) {
    try {
      if (HARMLESS.test(messageOf(strict)))
        return await decodePixels(bytes, header, range, 'truncated');
      throw strict;
    } catch (cause) {
      throw ImageError.in(
        file,
        `expected a complete ${header.format.toUpperCase()}, got a damaged one (${messageOf(cause)})`,
        { cause },
      );
    }
  }
}

/** Whether pixels are turned, so that they fit annotations of a size, if one is given. */
export function isTurned(header: ImageHeader, upright: DecodeOptions['upright'] = false): boolean {
  // Pillow turns TIFF files in any case.
  if (header.format === 'tiff') return true;
  if (typeof upright === 'boolean') return upright;
  const hasSize = ({ width, height }: Size): boolean =>
    width === upright.width && height === upright.height;
  return hasSize(header) || !hasSize(displayedSize(header, header.orientation));
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).trim().replaceAll('\n', '; ');
}

async function decodePixels(
  { source, area }: { readonly source: Uint8Array | string; readonly area: StoredArea | undefined },
  header: ImageHeader,
  range: PixelRange | undefined,
  failOn: 'truncated' | 'error' | 'warning',
): Promise<RgbImage> {
  const image = sharp(source, {
    ignoreIcc: true,
    failOn,
    // Whatever the decoder finds: never more than the header said, which the limits were compared with.
    limitInputPixels: header.width * header.height,
    sequentialRead: area?.isTiled !== true,
  });
  if (area) {
    const { x: left, y: top, width, height } = area.rect;
    image.extract({ left, top, width, height });
  }
  if (header.isCmyk) {
    const inks = image.pipelineColourspace('cmyk').toColourspace('cmyk');
    const { data, info } = await inks.raw().toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, data: cmykToRgb(data, info.channels) };
  }
  const opaque = header.format === 'jpeg' ? image : image.removeAlpha();
  if (range && header.bitsPerChannel > 8) return scaleToBytes(opaque, header, range);
  const { data, info } = await opaque.raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
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
 * Converts CMYK to RGB like Pillow. Ink is 0 … 255; libvips undoes the inverted storage of JPEG files, with or without
 * Adobe's marker.
 *
 * @param cmyk `[H, W, channels]`; more than four channels are spot colors or alpha
 * @returns `[H, W, 3]`
 */
function cmykToRgb(cmyk: Uint8Array, channels: number): Uint8Array {
  const rgb = new Uint8ClampedArray((cmyk.length / channels) * 3);
  for (let i = 0, o = 0; i < cmyk.length; i += channels) {
    const light = 255 - cmyk[i + 3];
    for (let c = 0; c < 3; c++) {
      const product = cmyk[i + c] * light + 128;
      rgb[o++] = light - (((product >> 8) + product) >> 8); // rounded division by 255
    }
  }
  return new Uint8Array(rgb.buffer);
}
