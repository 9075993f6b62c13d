import { ShapeError } from '../../core/errors.js';
import type { LabelMap } from '../../core/image.js';
import { isInside, type Size } from './rect.js';

/**
 * Resizes a label map like Pillow's `Image.resize` with `NEAREST`: output `i` is the input under its center,
 * `floor(x1 + (i + 0.5) · (x2 − x1) / size)`, with the position accumulated as Pillow does.
 *
 * @param map `[H, W]`
 * @param box `[x1, y1, x2, y2]`, the part of the map that is resized, pixels; default all
 * @returns `[size.height, size.width]`
 * @throws ShapeError if a size is not positive or the box reaches outside
 * @see Pillow 9.4, src/libImaging/Geometry.c, ImagingScaleAffine
 */
export function resizeNearestPil(
  map: LabelMap,
  size: Size,
  box: readonly [number, number, number, number] = [0, 0, map.width, map.height],
): LabelMap {
  const [x1, y1, x2, y2] = box;
  const isBoxInside =
    x1 >= 0 && y1 >= 0 && x2 > x1 && y2 > y1 && x2 <= map.width && y2 <= map.height;
  if (!isInside({ x: 0, y: 0, ...size }, size) || !isBoxInside)
    throw new ShapeError(
      `resizeNearestPil: expected a positive size and a box inside ${map.width}x${map.height}, ` +
        `got ${size.width}x${size.height} and [${box.join(', ')}]`,
    );
  const columns = nearest(x1, x2, size.width, map.width);
  const rows = nearest(y1, y2, size.height, map.height);
  const data = new Uint8Array(size.width * size.height);
  for (let y = 0, o = 0; y < size.height; y++) {
    const row = rows[y] * map.width;
    for (let x = 0; x < size.width; x++) data[o++] = map.data[row + columns[x]];
  }
  return { ...size, data };
}

function nearest(from: number, to: number, length: number, inputLength: number): Int32Array {
  const step = (to - from) / length;
  let position = from + step * 0.5;
  return Int32Array.from({ length }, () => {
    const index = Math.min(Math.trunc(position), inputLength - 1);
    position += step;
    return index;
  });
}
