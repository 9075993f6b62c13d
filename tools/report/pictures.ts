import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { blankPicture, type Picture } from '../../report/overlay/picture.js';

/** Name of the folder of example pictures in a run folder. */
export const PICTURES = 'pictures';

/** Longest side of a saved picture, pixels. */
const LONGEST_PX = 900;

/**
 * Saves a picture for the report as JPEG, made smaller where it is large.
 *
 * @returns its name inside the run folder
 */
export async function savePicture(
  folder: string,
  name: string,
  { width, height, data }: Picture,
): Promise<string> {
  mkdirSync(join(folder, PICTURES), { recursive: true });
  const file = `${PICTURES}/${name}.jpg`;
  await sharp(data, { raw: { width, height, channels: 3 } })
    .resize(LONGEST_PX, LONGEST_PX, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 84 })
    .toFile(join(folder, file));
  return file;
}

const GAP_PX = 4;

/** Pictures of one height side by side. */
export function besideEachOther(pictures: readonly Picture[]): Picture {
  const height = Math.max(...pictures.map((picture) => picture.height));
  const width = pictures.reduce((sum, picture) => sum + picture.width + GAP_PX, -GAP_PX);
  const all = blankPicture(width, height, [128, 128, 128]);
  let left = 0;
  for (const picture of pictures) {
    for (let y = 0; y < picture.height; y++) {
      const row = picture.data.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width);
      all.data.set(row, 3 * (y * width + left));
    }
    left += picture.width + GAP_PX;
  }
  return all;
}
