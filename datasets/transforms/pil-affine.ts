import type { RgbImage } from '../../core/image.js';

/** Affine map: the output pixel center (x, y) takes the input position `(a·x + b·y + c, d·x + e·y + f)`. */
export type AffineMatrix = readonly [number, number, number, number, number, number];

/** An 8-bit color. */
export type Rgb = readonly [number, number, number];

/**
 * Applies an affine map like Pillow's `Image.transform` with `BICUBIC`, bit for bit: cubic convolution with a = −1, not
 * antialiased, truncated to 8 bits; positions outside the image get `fill`.
 *
 * @param image `[H, W, 3]`
 * @param out `[H, W, 3]`, not the image itself
 * @see Pillow 9.4, src/libImaging/Geometry.c, affine_transform and bicubic_filter32RGB
 */
export function affineBicubicPil(
  image: RgbImage,
  matrix: AffineMatrix,
  fill: Rgb,
  out: Uint8Array,
): void {
  const [a, b, c, d, e, f] = matrix;
  if (d === 0 && e === 1 && f === 0) alongAxis('x', image, [a, b, c], fill, out);
  else if (a === 1 && b === 0 && c === 0) alongAxis('y', image, [d, e, f], fill, out);
  else anyDirection(image, matrix, fill, out);
}

/**
 * Matrix of Pillow's `Image.rotate` about the center.
 *
 * @param degrees counterclockwise
 */
export function rotationPil(degrees: number, width: number, height: number): AffineMatrix {
  const angle = (-(degrees - Math.floor(degrees / 360) * 360) * Math.PI) / 180;
  const round = (x: number): number => Number(x.toFixed(15));
  const [cos, sin] = [round(Math.cos(angle)), round(Math.sin(angle))];
  const minusSin = round(-Math.sin(angle));
  const [x, y] = [width / 2, height / 2];
  return [cos, sin, cos * -x + sin * -y + x, minusSin, cos, minusSin * -x + cos * -y + y];
}

/** Truncated to 0 … 255. */
export function toByte(v: number): number {
  return v <= 0 ? 0 : v >= 255 ? 255 : v | 0;
}

/** Pillow's cubic interpolation of four neighbors at `t` past the second. */
function cubic(v1: number, v2: number, v3: number, v4: number, t: number): number {
  return v2 + t * (v3 - v1 + t * (2 * (v1 - v2) + v3 - v4 + t * (v2 - v1 - v3 + v4)));
}

/** For maps that keep one coordinate: only the four neighbors along the other `axis` have weight. */
function alongAxis(
  axis: 'x' | 'y',
  { width, height, data }: RgbImage,
  [a, b, c]: readonly [number, number, number],
  fill: Rgb,
  out: Uint8Array,
): void {
  const isRow = axis === 'x';
  const [size, step] = isRow ? [width, 3] : [height, width * 3];
  const last = size - 1;
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 3) {
      const at = a * (x + 0.5) + b * (y + 0.5) + c;
      if (!(at >= 0 && at < size)) {
        out[o] = fill[0];
        out[o + 1] = fill[1];
        out[o + 2] = fill[2];
        continue;
      }
      const i = Math.floor(at - 0.5);
      const t = at - 0.5 - i;
      const start = isRow ? y * width * 3 : x * 3;
      const p0 = start + (i > 1 ? i - 1 : 0) * step;
      const p1 = start + (i > 0 ? i : 0) * step;
      const p2 = start + (i < last ? i + 1 : last) * step;
      const p3 = start + (i < last - 1 ? i + 2 : last) * step;
      for (let k = 0; k < 3; k++)
        out[o + k] = toByte(cubic(data[p0 + k], data[p1 + k], data[p2 + k], data[p3 + k], t));
    }
  }
}

function anyDirection(
  { width, height, data }: RgbImage,
  [a, b, c, d, e, f]: AffineMatrix,
  fill: Rgb,
  out: Uint8Array,
): void {
  const stride = width * 3;
  const [lastColumn, lastRow] = [width - 1, height - 1];
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 3) {
      const xAt = a * (x + 0.5) + b * (y + 0.5) + c;
      const yAt = d * (x + 0.5) + e * (y + 0.5) + f;
      if (!(xAt >= 0 && xAt < width && yAt >= 0 && yAt < height)) {
        out[o] = fill[0];
        out[o + 1] = fill[1];
        out[o + 2] = fill[2];
        continue;
      }
      const i = Math.floor(xAt - 0.5);
      const j = Math.floor(yAt - 0.5);
      const tx = xAt - 0.5 - i;
      const ty = yAt - 0.5 - j;
      const c0 = (i > 1 ? i - 1 : 0) * 3;
      const c1 = (i > 0 ? i : 0) * 3;
      const c2 = (i < lastColumn ? i + 1 : lastColumn) * 3;
      const c3 = (i < lastColumn - 1 ? i + 2 : lastColumn) * 3;
      const r0 = (j > 1 ? j - 1 : 0) * stride;
      const r1 = (j > 0 ? j : 0) * stride;
      const r2 = (j < lastRow ? j + 1 : lastRow) * stride;
      const r3 = (j < lastRow - 1 ? j + 2 : lastRow) * stride;
      for (let k = 0; k < 3; k++) {
        const across = (r: number): number =>
          cubic(data[r + c0 + k], data[r + c1 + k], data[r + c2 + k], data[r + c3 + k], tx);
        out[o + k] = toByte(cubic(across(r0), across(r1), across(r2), across(r3), ty));
      }
    }
  }
}
