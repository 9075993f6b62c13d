import { blankPicture, type Picture } from './picture.js';

const GAP_PX = 4;

/** Places pictures side by side with a gap; shorter ones are padded with gray. */
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
