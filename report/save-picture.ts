import { join } from 'node:path';
import sharp from 'sharp';
import { writeAtomically } from '../io/files/atomic.js';
import type { Picture } from './overlay/picture.js';

/** Name of the folder of the report's examples in a run folder. */
export const PICTURES = 'pictures';

/** Longest side of a saved picture, pixels. */
const LONGEST_PX = 900;

/**
 * Saves a picture in a run folder as JPEG, made smaller where it is large. What had the name before stays whole until then.
 *
 * @param file inside the run folder, `pictures/best-1.jpg`; its folder is made
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
