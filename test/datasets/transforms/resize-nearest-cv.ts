import type { LabelMap } from '../../../core/image.js';
import { nearestCv } from '../../../datasets/transforms/resize-cv.js';
import type { Size } from '../../../datasets/transforms/rect.js';

/** Resizes a label map like OpenCV's `INTER_NEAREST`, whole: the oracle of transforms that pick pixels of windows. */
export function resizeNearestCv(map: LabelMap, { width, height }: Size): LabelMap {
  const columns = nearestCv(map.width, width, 0, width);
  const rows = nearestCv(map.height, height, 0, height);
  const data = new Uint8Array(width * height);
  for (let y = 0, o = 0; y < height; y++)
    for (let x = 0; x < width; x++) data[o++] = map.data[rows[y] * map.width + columns[x]];
  return { width, height, data };
}
