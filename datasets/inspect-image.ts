import { imageBytes } from '../io/image/bytes.js';
import { headerOf, START_BYTES } from '../io/image/file-header.js';
import { withPixels } from '../io/image/in-flight.js';
import { assertScaled, type PixelRange } from '../io/image/range.js';
import type { ImageHeader } from '../io/image-header/read.js';
import type { Size } from '../core/boxes.js';
import { displayedSize } from '../io/image-header/orientation.js';
import { problemKinds, type ProblemKind } from './problems.js';

/** Depth of an inspection, and how pixels will be used. */
interface InspectOptions {
  /** Whether to decode the pixels. */
  readonly decode: boolean;
  /** Values that become 0 and 255 in images of more than 8 bits. */
  readonly range?: PixelRange | undefined;
}

/**
 * Reads the header of an image file, and decodes its pixels, too, if asked to.
 *
 * @throws DataError if the file cannot be read, is no image in a known format, or (when decoding) is damaged
 */
export async function inspectImage(
  path: string,
  { decode, range }: InspectOptions,
): Promise<ImageHeader> {
  const bytes = await imageBytes(path, decode ? Infinity : START_BYTES);
  const header = await headerOf(bytes, path);
  assertScaled(header, range, path);
  if (decode) {
    // Loaded only here: the decoder brings a native library.
    const { decodeImageBytes } = await import('../io/image/decode.js');
    await withPixels(header.width * header.height, () => decodeImageBytes(bytes, path, { range }));
  }
  return header;
}

/** Size of the frame of annotations: that of the displayed image, unless the listed one is that of the stored pixels alone. */
export function annotatedSize(
  { width, height, orientation, format }: ImageHeader,
  listed: Size | undefined,
): Size {
  const displayed = { width, height };
  const stored = displayedSize(displayed, orientation);
  const isStored = listed?.width === stored.width && listed.height === stored.height;
  return isStored && format !== 'tiff' ? stored : displayed;
}

/** Properties of images that decoders or pipelines treat differently from plain RGB, by their codes. */
const IMAGE_NOTES = {
  ...problemKinds('warning', {
    deepPixels:
      '16-bit images: the upper 8 bits are used; range: [lowest, highest] in data.yaml scales them',
  }),
  ...problemKinds('note', {
    scaledPixels: '16-bit images: scaled by the range in data.yaml',
    grey: 'grayscale images: the channel is used three times',
    fourChannels: 'images with four channels (CMYK or alpha)',
    orientation: 'images with an EXIF orientation: turned upright',
    invalidOrientation: 'images with an EXIF orientation that does not exist: not turned',
    colourProfile: 'images with a color profile: not applied',
  }),
};
/** For classification, where images are not turned. */
const NOT_TURNED: ProblemKind = {
  ...IMAGE_NOTES.orientation,
  meaning: 'images with an EXIF orientation: not turned, as in timm',
};

/** The notes that apply to an image. @param options how pixels are used; `upright` is false for classification */
export function imageNotes(
  { channels, orientation, colorProfile, bitsPerChannel }: ImageHeader,
  {
    upright = true,
    range,
  }: { readonly upright?: boolean; readonly range?: PixelRange | undefined } = {},
): readonly ProblemKind[] {
  const notes: ProblemKind[] = [];
  if (bitsPerChannel > 8) notes.push(range ? IMAGE_NOTES.scaledPixels : IMAGE_NOTES.deepPixels);
  if (channels <= 2) notes.push(IMAGE_NOTES.grey);
  if (channels === 4) notes.push(IMAGE_NOTES.fourChannels);
  if (orientation < 1 || orientation > 8) notes.push(IMAGE_NOTES.invalidOrientation);
  else if (orientation > 1) notes.push(upright ? IMAGE_NOTES.orientation : NOT_TURNED);
  if (colorProfile) notes.push(IMAGE_NOTES.colourProfile);
  return notes;
}
