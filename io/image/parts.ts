import { cutImage, partsOf, type ImageParts, type RgbImage } from '../../core/image.js';
import { ImageError } from '../../core/errors.js';
import type { Rect } from '../../core/rect.js';
import { fill, openFile, readable } from '../files/read.js';
import { displayedSize } from '../image-header/orientation.js';
import type { ImageHeader } from '../image-header/read.js';
import { hasTiffTiles } from '../image-header/tiff-layout.js';
import { imageBytes, isEmbedded } from './bytes.js';
import { decodeImageBytes, decodeStored, isTurned, type DecodeOptions } from './decode.js';
import { fileHeader } from './file-header.js';
import { imageHeader } from './header.js';
import { storedRect, uprightImage } from './orient.js';
import { assertSides } from './sides.js';

/** Images of up to 64 Mi pixels (192 MiB) are decoded once and kept. */
export const WHOLE_PIXELS = 2 ** 26;
/** Masks and label maps of larger images have no format. */
const MOST_PIXELS = 2 ** 31 - 1;

/**
 * Opens an image to be read in parts: one of up to {@link WHOLE_PIXELS} is decoded at once, of a larger one only a band as
 * high as the part is in memory. A TIFF in tiles is decoded part by part; other formats are decoded from the top on for
 * every band. The pixels are those of `decodeImage`.
 *
 * @param source path, or the whole file
 * @param file name for error messages
 * @param wholePixels largest image that is decoded at once
 * @throws ImageError if it is no image in a known format, damaged, or has more than 2³¹ − 1 pixels or
 *   2²⁰ in a row or column
 */
export async function imageParts(
  source: string | Uint8Array,
  file: string,
  options: DecodeOptions = {},
  wholePixels = WHOLE_PIXELS,
): Promise<ImageParts> {
  const data = typeof source === 'string' && isEmbedded(source) ? await imageBytes(source) : source;
  const header = await (typeof data === 'string' ? fileHeader(data) : imageHeader(data, file));
  assertSides(header, file);
  const pixels = header.width * header.height;
  if (pixels <= wholePixels || header.format === 'bmp') {
    const bytes = typeof data === 'string' ? await imageBytes(data) : data;
    return partsOf(await decodeImageBytes(bytes, file, options));
  }
  const most = Math.min(MOST_PIXELS, options.maxPixels ?? MOST_PIXELS);
  if (pixels > most)
    throw ImageError.in(
      file,
      `expected at most ${most} pixels, got ${header.width}x${header.height}; cut it into several files`,
    );
  return bandsOf(data, file, header, options);
}

/** Parts of a large image, cut out of the band of the last one. */
async function bandsOf(
  source: string | Uint8Array,
  file: string,
  header: ImageHeader,
  options: DecodeOptions,
): Promise<ImageParts> {
  const isTiled = header.format === 'tiff' && (await isTiledTiff(source, file));
  const orientation = isTurned(header, options.upright) ? header.orientation : 1;
  const stored = displayedSize(header, header.orientation);
  const { width, height } = displayedSize(stored, orientation);
  const decode = async (rect: Rect): Promise<RgbImage> => {
    const area = { rect: storedRect(rect, stored, orientation), isTiled };
    return uprightImage(await decodeStored(source, file, header, options, area), orientation);
  };
  let band: { readonly top: number; readonly image: RgbImage } | undefined;
  return {
    width,
    height,
    part: async ({ x, y, width: wide, height: high }) => {
      if (!band || y < band.top || y + high > band.top + band.image.height) {
        band = undefined; // freed before the next one is decoded
        band = { top: y, image: await decode({ x: 0, y, width, height: high }) };
      }
      const { top, image } = band;
      return cutImage(image, { x, y: y - top, width: wide, height: high });
    },
  };
}

async function isTiledTiff(source: string | Uint8Array, file: string): Promise<boolean> {
  if (typeof source !== 'string')
    return hasTiffTiles((at, length) => Promise.resolve(source.subarray(at, at + length)));
  const handle = await readable(file, openFile(source));
  try {
    return await hasTiffTiles(async (at, length) => {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, await fill(handle, bytes, at));
    });
  } finally {
    await handle.close();
  }
}
