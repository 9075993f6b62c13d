import { join } from 'node:path';
import sharp from 'sharp';
import { writeAtomically } from '../io/files/atomic.js';
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
export async function savePicture(
  folder: string,
  file: string,
  { width, height, data }: Picture,
): Promise<string> {
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(LONGEST_PX, LONGEST_PX, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 84 })
    .toBuffer();
  await writeAtomically(join(folder, file), jpeg);
  return file;
}
