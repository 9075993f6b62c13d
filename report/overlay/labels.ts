import { ShapeError } from '../../core/errors.js';
import type { LabelMap } from '../../core/image.js';
import { classColor } from './colors.js';
import { blendPixel, copyPicture, type Picture, type Rgb } from './picture.js';

/** Label of pixels that are not drawn. */
const IGNORED = 255;
const LINE: Rgb = [255, 255, 255];

/**
 * Colors a picture by the class of its pixels, with a thin light line between classes.
 *
 * @param palette returns the color of a class
 * @returns a new picture
 * @throws ShapeError unless picture and labels have the same size
 */
export function blendLabels(
  picture: Picture,
  labels: LabelMap,
  palette: (classIndex: number) => Rgb = classColor,
  { opacity = 0.55 }: { readonly opacity?: number } = {},
): Picture {
  const { width, height } = picture;
  if (labels.width !== width || labels.height !== height || labels.data.length !== width * height)
    throw new ShapeError(
      `blendLabels: expected labels of ${width}x${height}, got ${labels.width}x${labels.height}`,
    );
  const out = copyPicture(picture);
  const colors = new Map<number, Rgb>();
  const { data } = labels;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const label = data[at];
      if (label !== IGNORED) {
        let color = colors.get(label);
        if (!color) colors.set(label, (color = palette(label)));
        blendPixel(out, x, y, color, opacity);
      }
      const differs =
        (x + 1 < width && data[at + 1] !== label) || (y + 1 < height && data[at + width] !== label);
      if (differs) blendPixel(out, x, y, LINE, 0.6);
    }
  }
  return out;
}
