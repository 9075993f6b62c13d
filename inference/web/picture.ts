import { describedValue, isUint8Array } from '../../core/arguments.js';
import { DataError, InputError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { rgbOf, type PixelImage } from '../../io/image/pixels.js';

/**
 * Anything that a browser can draw, an encoded file as `Blob`, `File` or bytes, or pixels. Encoded files are turned upright
 * by their EXIF orientation; color profiles are ignored, as in Node.
 */
export type WebImage = CanvasImageSource | ImageData | Blob | Uint8Array<ArrayBuffer> | PixelImage;

/**
 * Pixels of an image, RGB. Transparent pixels have the color that the canvas keeps, which loses precision where the
 * picture is nearly transparent.
 *
 * @throws DataError if the browser cannot decode it; InputError for anything else
 */
export async function pixelsOf(image: WebImage): Promise<RgbImage> {
  if (isUint8Array(image)) return pixelsOf(new Blob([image]));
  if (image instanceof Blob) {
    const bitmap = await decoded(image);
    try {
      return drawn(bitmap, bitmap);
    } finally {
      bitmap.close();
    }
  }
  if (typeof image !== 'object' || (image as unknown) === null)
    throw refused(describedValue(image));
  if ('data' in image) return rgbOf(image as PixelImage);
  const size = sizeOf(image);
  if (!(size.width > 0 && size.height > 0))
    throw refused(`${describedValue(image)} without pixels (await image.decode() first?)`);
  try {
    return drawn(image, size);
  } catch (cause) {
    throw refused(
      `${describedValue(image)} that cannot be read: ${(cause as Error).message}`,
      cause,
    );
  }
}

const refused = (got: string, cause?: unknown): InputError =>
  new InputError(
    `image: expected something that can be drawn, a Blob or File of an image, its bytes, or { width, height, data, channels: 3 | 4 }, got ${got}`,
    { cause },
  );

async function decoded(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, {
      imageOrientation: 'from-image',
      colorSpaceConversion: 'none',
      premultiplyAlpha: 'none',
    });
  } catch (cause) {
    const name = file instanceof File ? file.name : 'image';
    throw DataError.in(
      name,
      `expected an image that this browser can decode, got ${file.size} bytes of ${file.type || 'unknown type'} (HEIC: save it as JPEG)`,
      { cause },
    );
  }
}

function drawn(
  source: CanvasImageSource,
  { width, height }: { readonly width: number; readonly height: number },
): RgbImage {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new DataError(`image: expected a canvas of ${width}x${height}, got none`);
  context.drawImage(source, 0, 0);
  return rgbOf({ width, height, data: context.getImageData(0, 0, width, height).data });
}

/** Size in pixels of the source, not that of its element in the page. */
function sizeOf(source: CanvasImageSource): { readonly width: number; readonly height: number } {
  const sizes = source as Partial<
    Record<'naturalWidth' | 'naturalHeight' | 'videoWidth' | 'videoHeight', number>
  > &
    Partial<Record<'displayWidth' | 'displayHeight' | 'width' | 'height', number>>;
  return {
    width: sizes.naturalWidth ?? sizes.videoWidth ?? sizes.displayWidth ?? sizes.width ?? 0,
    height: sizes.naturalHeight ?? sizes.videoHeight ?? sizes.displayHeight ?? sizes.height ?? 0,
  };
}
