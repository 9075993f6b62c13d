import { join } from 'node:path';
import { writeAtomically } from '../io/files/atomic.js';
import { encodeJpeg } from '../io/image/encode.js';
import type { Picture } from './overlay/picture.js';

/** Name of the folder in a run folder with the report's examples. */
export const PICTURES = 'pictures';

/** Largest side of a saved picture in pixels. */
const LONGEST_PX = 900;

/**
 * Saves a picture in a run folder as JPEG, downscaled if it is large. An existing file of that name is replaced
 * atomically.
 *
 * @param file path in the run folder, `pictures/best-1.jpg`; its folder is created
 * @returns `file`
 */
export async function savePicture(folder: string, file: string, picture: Picture): Promise<string> {
  const jpeg = await encodeJpeg(picture, { quality: 84, maxSide: LONGEST_PX });
  await writeAtomically(join(folder, file), jpeg);
  return file;
}
