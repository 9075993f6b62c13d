import { readBytes } from '../io/files/read.js';
import {
  readImageHeader,
  readJpegTags,
  type ImageHeader,
  type JpegTags,
} from '../io/image-header/read.js';
import type { ProblemKind } from './problems.js';

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

/** Properties of images that decoders or pipelines treat differently from plain RGB. */
const IMAGE_NOTES = {
  gray: note('grey', 'grayscale images: the channel is used three times'),
  fourChannels: note('four-channels', 'images with four channels (CMYK or alpha)'),
  orientation: note('orientation', 'images with an EXIF orientation: not turned'),
  invalidOrientation: note(
    'invalid-orientation',
    'images with an EXIF orientation that does not exist: not turned',
  ),
  colorProfile: note('colour-profile', 'images with a color profile: not applied'),
} as const;

/** The notes that apply to an image. */
export function imageNotes(facts: ImageFacts): readonly ProblemKind[] {
  return [
    ...(facts.channels <= 2 ? [IMAGE_NOTES.gray] : []),
    ...(facts.channels === 4 ? [IMAGE_NOTES.fourChannels] : []),
    ...orientationNotes(facts.orientation),
    ...(facts.colorProfile ? [IMAGE_NOTES.colorProfile] : []),
  ];
}

function orientationNotes(orientation: number): readonly ProblemKind[] {
  if (orientation === 1) return [];
  const isValid = orientation > 1 && orientation <= 8;
  return [isValid ? IMAGE_NOTES.orientation : IMAGE_NOTES.invalidOrientation];
}

function note(code: string, meaning: string): ProblemKind {
  return { code, severity: 'note', meaning };
}

async function headerOf(bytes: Uint8Array, path: string): Promise<ImageHeader> {
  try {
    return readImageHeader(bytes, path);
  } catch (error) {
    if (bytes.length < HEADER_BYTES) throw error;
    return readImageHeader(await readBytes(path), path);
  }
}
