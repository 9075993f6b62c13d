import type { RgbImage } from '../core/image.js';
import { median } from '../core/statistics.js';
import { evenly } from '../datasets/evenly.js';
import { fileHeader } from '../io/image/file-header.js';

/** Largest number of images whose headers are read. */
const MOST_IMAGES = 64;
/** Unit of the sides of an input, the stride of the last stage, and the smallest side, in pixels. */
const STEP_PX = 32;
const LEAST_PX = 64;

/** An image of a set, in memory or as a file. */
interface SizedSample {
  readonly file: string;
  readonly image?: RgbImage | undefined;
}

/**
 * Chooses the short side of the input for the images of a set: no larger than that of most of them, since enlarged ones cost time
 * and tell nothing. Reads the headers of at most a few dozen files, spread over the set.
 *
 * @param usual side that is not exceeded, in pixels
 * @throws DataError if a file cannot be read, or is no image in a known format
 */
export async function affordableSide(
  samples: readonly SizedSample[],
  usual: number,
): Promise<number> {
  const sides = await Promise.all(
    evenly(samples, MOST_IMAGES).map(async ({ file, image }) => {
      const { width, height } = image ?? (await fileHeader(file));
      return Math.min(width, height);
    }),
  );
  if (sides.length === 0) return usual;
  const side = STEP_PX * Math.ceil(median(sides) / STEP_PX);
  return Math.min(usual, Math.max(LEAST_PX, side));
}
