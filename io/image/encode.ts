import sharp, { type JpegOptions, type PngOptions, type Sharp } from 'sharp';
import type { RgbImage } from '../../core/image.js';

/** Largest side of an encoded image in pixels; smaller ones keep their size. */
interface SizeLimit {
  readonly maxSide?: number | undefined;
}

/** Encodes an image as JPEG. @param options quality from 1 to 100 and the other settings of sharp */
export function encodeJpeg(
  image: RgbImage,
  { maxSide, ...options }: Readonly<JpegOptions> & SizeLimit,
): Promise<Buffer> {
  return limited(image, maxSide).jpeg(options).toBuffer();
}

/** Encodes an image as PNG. @param options settings of sharp */
export function encodePng(image: RgbImage, options: Readonly<PngOptions> = {}): Promise<Buffer> {
  return limited(image).png(options).toBuffer();
}

function limited({ data, width, height }: RgbImage, maxSide?: number): Sharp {
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return maxSide === undefined
    ? image
    : image.resize(maxSide, maxSide, { fit: 'inside', withoutEnlargement: true });
}
