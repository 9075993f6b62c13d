import { oneLine } from '../core/controls.js';
import { DataError, ShapeError } from '../core/errors.js';
import type { RgbImage } from '../core/image.js';
import { inFlagWords } from '../core/option-words.js';
import type { ImageResult } from '../core/results.js';
import { decodingFor } from '../inference/decoding.js';
import type { ImageModel } from '../inference/model.js';
import { decodeImage } from '../io/image/decode.js';
import { fileHeader } from '../io/image/file-header.js';
import { WHOLE_PIXELS } from '../io/image/parts.js';
import { reducedImage } from '../io/image/thumbnail.js';

/** Options of predictions whose presentation chooses among all objects. */
export const ALL = { score: 0 } as const;

/** An image without prediction. */
export interface FailedImage {
  readonly file: string;
  readonly message: string;
}

/** Longest side of the picture that is drawn of an image that is too large for memory. */
const OVERVIEW_PX = 4096;

/**
 * Decodes and predicts an image, or tells why that is not possible with this one. One that is read in tiles because it is
 * too large for memory has a reduced picture.
 */
export async function predictedOrFailed(
  model: ImageModel,
  file: string,
): Promise<{ readonly image: RgbImage; readonly result: ImageResult } | FailedImage> {
  try {
    if (model.options.tile && (await isReadInParts(file))) {
      const result = await model.predict(file, ALL);
      return { image: await reducedImage(file, OVERVIEW_PX), result };
    }
    const image = await decodeImage(file, decodingFor(model.card));
    return { image, result: await model.predict(image, ALL) };
  } catch (error) {
    const isOfImage =
      error instanceof DataError || error instanceof ShapeError || error instanceof RangeError;
    if (!isOfImage) throw error;
    // Only commands predict files.
    const message = inFlagWords(error);
    return { file, message: message.includes(oneLine(file)) ? message : `${file}: ${message}` };
  }
}

async function isReadInParts(file: string): Promise<boolean> {
  const { width, height } = await fileHeader(file);
  return width * height > WHOLE_PIXELS;
}
