import { forEachPiece, rleBounds } from '../../core/rle-crop.js';
import type { Rle } from '../../core/rle.js';
import { blendPixel, type Picture, type Rgb } from './picture.js';

/** Options of drawing a mask. */
interface MaskStyle {
  readonly color: Rgb;
  /** Opacity of the inside, 0–1. */
  readonly opacity: number;
  /** Width of the contour in pixels of the picture. */
  readonly linePx: number;
}

/** Values of a window of a picture. */
interface Field {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

/**
 * Draws a mask with a translucent inside and a soft contour. The mask is blurred twice, so that values near the edge give
 * the distance from it.
 *
 * @param factor pixels of the picture per pixel of the mask
 */
export function drawMask(picture: Picture, mask: Rle, factor: number, style: MaskStyle): void {
  const radius = Math.max(1, Math.round(style.linePx / 2 + (factor - 1) / 2));
  const field = fieldOf(mask, factor, 2 * radius + Math.ceil(style.linePx));
  if (!field) return;
  const blurred = blur(blur(field, radius), radius);
  const slope = 2 * radius + 1;
  const { left, top, width, height, values } = field;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const value = blurred.values[at];
      if (value <= 0) continue;
      const depth = (value - 0.5) * slope; // approximate distance inside the edge in pixels
      // Without upscaling, every pixel of the mask is shown, even in thin parts.
      const inside = factor === 1 ? values[at] : Math.min(Math.max(0.5 + depth, 0), 1);
      blendPixel(picture, left + x, top + y, style.color, style.opacity * inside);
      const line = 0.5 + style.linePx / 2 - Math.abs(depth);
      blendPixel(picture, left + x, top + y, style.color, Math.min(line, 1));
    }
  }
}

/** Upscales the mask in a window with a border of `margin` pixels; undefined for an empty mask. */
function fieldOf(mask: Rle, factor: number, margin: number): Field | undefined {
  const bounds = rleBounds(mask);
  if (!bounds) return undefined;
  const [left, top] = [bounds.x * factor - margin, bounds.y * factor - margin];
  const width = bounds.width * factor + 2 * margin;
  const height = bounds.height * factor + 2 * margin;
  const values = new Float32Array(width * height);
  forEachPiece(mask, (x, from, to) => {
    const column = x * factor - left;
    for (let y = from * factor - top; y < to * factor - top; y++)
      values.fill(1, y * width + column, y * width + column + factor);
  });
  return { left, top, width, height, values };
}

/** Box blur: mean over squares of side `2 · radius + 1`, with zeros outside. */
function blur(field: Field, radius: number): Field {
  const { width, height, values } = field;
  const rows = new Float32Array(values.length);
  for (let y = 0; y < height; y++) slide(values, rows, y * width, 1, width, radius);
  const both = new Float32Array(values.length);
  for (let x = 0; x < width; x++) slide(rows, both, x, width, height, radius);
  return { ...field, values: both };
}

/** Running mean along one line of values. */
function slide(
  from: Float32Array,
  to: Float32Array,
  start: number,
  step: number,
  length: number,
  radius: number,
): void {
  let sum = 0;
  for (let i = 0; i < Math.min(radius, length); i++) sum += from[start + i * step];
  for (let i = 0; i < length; i++) {
    if (i + radius < length) sum += from[start + (i + radius) * step];
    if (i - radius - 1 >= 0) sum -= from[start + (i - radius - 1) * step];
    to[start + i * step] = Math.max(0, sum / (2 * radius + 1));
  }
}
