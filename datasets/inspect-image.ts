import { readBytes } from '../io/files/read.js';
import {
  readImageHeader,
  readJpegTags,
  type ImageHeader,
  type JpegTags,
} from '../io/image-header/read.js';
import { problemKinds, type ProblemKind } from './problems.js';

/** Beginning of a file that holds the header of nearly every image; larger ones are read whole. */
const HEADER_BYTES = 1 << 16;

/** Header and tags of an image file. */
type ImageFacts = ImageHeader & JpegTags;

/**
 * Reads the header of an image file, and decodes its pixels, too, if asked to.
 *
 * @throws DataError if the file cannot be read, is no JPEG or PNG, or (when decoding) is damaged
 */
export async function inspectImage(
  path: string,
  options: { readonly decode: boolean },
): Promise<ImageFacts> {
  const bytes = await readBytes(path, options.decode ? Infinity : HEADER_BYTES);
  const header = await headerOf(bytes, path);
  if (options.decode) {
    // Loaded only here: the decoder brings a native library.
    const { decodeImageBytes } = await import('../io/image/decode.js');
    await decodeImageBytes(bytes, path);
  }
  return { ...header, ...readJpegTags(bytes) };
}

/** Properties of images that decoders or pipelines treat differently from plain RGB, by their codes. */
const IMAGE_NOTES = problemKinds('note', {
  grey: 'grayscale images: the channel is used three times',
  fourChannels: 'images with four channels (CMYK or alpha)',
  orientation: 'images with an EXIF orientation: not turned',
  invalidOrientation: 'images with an EXIF orientation that does not exist: not turned',
  colourProfile: 'images with a color profile: not applied',
});

/** The notes that apply to an image. */
export function imageNotes(facts: ImageFacts): readonly ProblemKind[] {
  const { channels, orientation, colorProfile } = facts;
  const notes: ProblemKind[] = [];
  if (channels <= 2) notes.push(IMAGE_NOTES.grey);
  if (channels === 4) notes.push(IMAGE_NOTES.fourChannels);
  if (orientation < 1 || orientation > 8) notes.push(IMAGE_NOTES.invalidOrientation);
  else if (orientation > 1) notes.push(IMAGE_NOTES.orientation);
  if (colorProfile) notes.push(IMAGE_NOTES.colourProfile);
  return notes;
}

async function headerOf(bytes: Uint8Array, path: string): Promise<ImageHeader> {
  try {
    return readImageHeader(bytes, path);
  } catch (error) {
    if (bytes.length < HEADER_BYTES) throw error;
    return readImageHeader(await readBytes(path), path);
  }
}
