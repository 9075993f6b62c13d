import { ShapeError } from '../../core/errors.js';

/** An 8-bit RGB picture, `[H, W, 3]` row-major; drawing changes it in place. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** `[H, W, 3]`, 0–255. */
  readonly data: Uint8Array;
}

/** Red, green, blue, 0–255. */
export type Rgb = readonly [red: number, green: number, blue: number];

/** A rectangle in pixels; edges may be fractional. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Creates a picture of one color. */
export function blankPicture(width: number, height: number, [r, g, b]: Rgb): Picture {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i += 3) {
    data[i] = r;
    data[i + 1] = g;
    data[i + 2] = b;
  }
  return { width, height, data };
}

/** Copies a picture for drawing. @throws ShapeError unless there are three bytes per pixel */
export function copyPicture({ width, height, data }: Picture): Picture {
  if (data.length !== 3 * width * height)
    throw new ShapeError(
      `picture: expected ${3 * width * height} bytes for ${width}x${height}, got ${data.length}`,
    );
  // Not `slice`, which shares memory for a Buffer.
  return { width, height, data: Uint8Array.from(data) };
}

/**
 * Upscales by a whole factor, bilinear, because tags would hide a picture of 100 pixels.
 *
 * @param factor 1 gives a copy
 */
export function enlargePicture(picture: Picture, factor: number): Picture {
  const { width, height, data } = copyPicture(picture);
  if (factor === 1) return { width, height, data };
  const [outWidth, outHeight] = [width * factor, height * factor];
  const out = new Uint8Array(3 * outWidth * outHeight);
  const columns = Array.from({ length: outWidth }, (_, x) => neighbors(x, factor, width));
  for (let y = 0, at = 0; y < outHeight; y++) {
    const row = neighbors(y, factor, height);
    for (const { low, high, fraction } of columns) {
      for (let c = 0; c < 3; c++) {
        const value = (yy: number, xx: number): number => data[3 * (yy * width + xx) + c];
        const top = value(row.low, low) * (1 - fraction) + value(row.low, high) * fraction;
        const bottom = value(row.high, low) * (1 - fraction) + value(row.high, high) * fraction;
        out[at++] = Math.round(top * (1 - row.fraction) + bottom * row.fraction);
      }
    }
  }
  return { width: outWidth, height: outHeight, data: out };
}

function neighbors(
  at: number,
  factor: number,
  size: number,
): { readonly low: number; readonly high: number; readonly fraction: number } {
  const source = Math.min(Math.max((at + 0.5) / factor - 0.5, 0), size - 1);
  const low = Math.floor(source);
  return { low, high: Math.min(low + 1, size - 1), fraction: source - low };
}

/** Blends a color into one pixel; pixels outside are ignored. @param alpha 0–1 */
export function blendPixel(
  { width, height, data }: Picture,
  x: number,
  y: number,
  [r, g, b]: Rgb,
  alpha: number,
): void {
  if (x < 0 || y < 0 || x >= width || y >= height || alpha <= 0) return;
  const at = 3 * (y * width + x);
  const a = Math.min(alpha, 1);
  data[at] += Math.round(a * (r - data[at]));
  data[at + 1] += Math.round(a * (g - data[at + 1]));
  data[at + 2] += Math.round(a * (b - data[at + 2]));
}

/**
 * Calls `shade` for the pixels of a rectangle, extended by a pixel for soft edges, that are inside the picture.
 *
 * @param shade returns the covered fraction of a pixel, 0–1, given its center
 */
export function fillShape(
  picture: Picture,
  { x, y, width, height }: Rectangle,
  color: Rgb,
  shade: (x: number, y: number) => number,
): void {
  const [left, right] = [Math.max(0, Math.floor(x - 1)), Math.min(picture.width, x + width + 1)];
  const [top, bottom] = [Math.max(0, Math.floor(y - 1)), Math.min(picture.height, y + height + 1)];
  for (let row = top; row < bottom; row++)
    for (let column = left; column < right; column++)
      blendPixel(picture, column, row, color, shade(column + 0.5, row + 0.5));
}

/** Options of drawing a rectangle. */
interface RectangleStyle {
  readonly color: Rgb;
  /** 0–1 */
  readonly alpha: number;
  /** Radius of the corners in pixels. */
  readonly radiusPx: number;
}

/** Fills a rectangle with round corners and soft edges. */
export function fillRectangle(
  picture: Picture,
  rectangle: Rectangle,
  { color, alpha, radiusPx }: RectangleStyle,
): void {
  const distance = distanceToRectangle(rectangle, radiusPx);
  fillShape(picture, rectangle, color, (x, y) => alpha * coverage(distance(x, y)));
}

/** Draws the outline of a rectangle, centered on its edges. Visits only pixels near the line. */
export function strokeRectangle(
  picture: Picture,
  rectangle: Rectangle,
  { color, alpha, radiusPx, widthPx }: RectangleStyle & { readonly widthPx: number },
): void {
  const distance = distanceToRectangle(rectangle, radiusPx);
  const half = widthPx / 2;
  const rim = half + radiusPx + 1;
  const rows = outerAndInner(rectangle.y, rectangle.height, rim, picture.height);
  const columns = outerAndInner(rectangle.x, rectangle.width, rim, picture.width);
  for (let y = rows.from; y < rows.to; y++) {
    const isEdge = y < rows.innerFrom || y >= rows.innerTo;
    for (let x = columns.from; x < columns.to; x++) {
      if (!isEdge && x === columns.innerFrom) x = Math.max(x, columns.innerTo);
      if (x >= columns.to) break;
      const edge = Math.abs(distance(x + 0.5, y + 0.5)) - half;
      blendPixel(picture, x, y, color, alpha * coverage(edge));
    }
  }
}

/** Splits the pixels along one axis into those near a line of the outline and those between the lines. */
function outerAndInner(
  start: number,
  size: number,
  rim: number,
  limit: number,
): Readonly<Record<'from' | 'to' | 'innerFrom' | 'innerTo', number>> {
  const innerFrom = Math.max(0, Math.ceil(start + rim));
  return {
    from: Math.max(0, Math.floor(start - rim)),
    to: Math.min(limit, Math.ceil(start + size + rim)),
    innerFrom,
    innerTo: Math.max(innerFrom, Math.floor(start + size - rim)),
  };
}

/** Covered fraction of a pixel whose center is `distance` pixels outside an edge (negative: inside). */
export function coverage(distance: number): number {
  return Math.min(Math.max(0.5 - distance, 0), 1);
}

/** Signed distance to a rectangle with round corners, negative inside. */
function distanceToRectangle(
  { x, y, width, height }: Rectangle,
  radiusPx: number,
): (px: number, py: number) => number {
  const radius = Math.min(radiusPx, width / 2, height / 2);
  const [cx, cy] = [x + width / 2, y + height / 2];
  return (px, py) => {
    const dx = Math.abs(px - cx) - width / 2 + radius;
    const dy = Math.abs(py - cy) - height / 2 + radius;
    const outside = Math.hypot(Math.max(dx, 0), Math.max(dy, 0));
    return outside + Math.min(Math.max(dx, dy), 0) - radius;
  };
}
