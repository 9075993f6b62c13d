import { ShapeError } from '../../core/errors.js';
import { classColor } from './colors.js';
import { blendPixel, copyPicture, type Picture, type Rgb } from './picture.js';

/** Class of every pixel, `[H, W]` row-major. */
export interface Labels {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

/** Options of drawing labels. */
interface BlendOptions {
  /** Opacity, 0–1, default 0.55. */
  readonly opacity?: number;
  /** Label that is not drawn; default 255. */
  readonly ignoredLabel?: number;
}

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
  labels: Labels,
  palette: (classIndex: number) => Rgb = classColor,
  { opacity = 0.55, ignoredLabel = 255 }: BlendOptions = {},
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
      if (label !== ignoredLabel) {
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
