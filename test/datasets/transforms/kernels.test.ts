import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { ImageKernels } from '../../../datasets/transforms/kernels.js';
import { resizeLinearCv } from '../../../datasets/transforms/resize-cv.js';
import { resizePil } from '../../../datasets/transforms/resize-pil.js';
import type { RgbImage } from '../../../core/image.js';
import type { Size } from '../../../datasets/transforms/rect.js';

test('areas do not overlap, have room after them and survive growth', () => {
  const kernels = new ImageKernels();
  const at = kernels.layOut({ a: 5, b: 200_000, c: 0, d: 16 });
  expect(at).toEqual({ a: 0, b: 80, c: 200_144, d: 200_208 });
  kernels.bytes(at.d, 16).fill(3);
  expect(kernels.bytes(at.b, 200_000).length).toBe(200_000);
  expect([...kernels.bytes(at.d, 16)]).toEqual(new Array(16).fill(3));
});

/** Pillow's resize in float64 without fixed point: the obvious version. */
function obviousPil({ width, height, data }: RgbImage, size: Size): Float64Array {
  const weights = (from: number, to: number): number[][] => {
    const scale = from / to;
    const stretch = Math.max(scale, 1);
    return Array.from({ length: to }, (_, i) => {
      const center = (i + 0.5) * scale;
      const raw = Array.from({ length: from }, (_, t) => {
        const inside =
          t >= Math.trunc(center - stretch + 0.5) && t < Math.trunc(center + stretch + 0.5);
        return inside ? Math.max(0, 1 - Math.abs((t + 0.5 - center) / stretch)) : 0;
      });
      const sum = raw.reduce((a, b) => a + b);
      return raw.map((w) => w / sum);
    });
  };
  const [columns, rows] = [weights(width, size.width), weights(height, size.height)];
  const out = new Float64Array(size.width * size.height * 3);
  for (let o = 0; o < out.length; o++) {
    const [c, x, y] = [o % 3, Math.floor(o / 3) % size.width, Math.floor(o / 3 / size.width)];
    for (let v = 0; v < height; v++)
      for (let u = 0; u < width; u++)
        out[o] += rows[y][v] * columns[x][u] * data[(v * width + u) * 3 + c];
  }
  return out;
}

/** Bilinear with half-pixel centers in float64. */
function obviousCv({ width, height, data }: RgbImage, size: Size): Float64Array {
  const out = new Float64Array(size.width * size.height * 3);
  const at = (from: number, to: number, i: number): [number, number, number] => {
    const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    const low = Math.floor(position);
    return [low, Math.min(low + 1, from - 1), position - low];
  };
  for (let o = 0; o < out.length; o++) {
    const [c, x, y] = [o % 3, Math.floor(o / 3) % size.width, Math.floor(o / 3 / size.width)];
    const [x0, x1, fx] = at(width, size.width, x);
    const [y0, y1, fy] = at(height, size.height, y);
    const pixel = (u: number, v: number): number => data[(v * width + u) * 3 + c];
    const row = (v: number): number => pixel(x0, v) * (1 - fx) + pixel(x1, v) * fx;
    out[o] = row(y0) * (1 - fy) + row(y1) * fy;
  }
  return out;
}

const side = fc.integer({ min: 1, max: 40 });
test.each([
  // Pillow rounds between the passes, OpenCV has 11-bit weights: a level and a bit at most.
  [
    'resizePil',
    (image: RgbImage, size: Size) => resizePil(image, { filter: 'bilinear', size }),
    obviousPil,
  ],
  ['resizeLinearCv', (image: RgbImage, size: Size) => resizeLinearCv(image, { size }), obviousCv],
] as const)('%s is within rounding of the obvious version at any size', (_, resize, obvious) => {
  fc.assert(
    fc.property(side, side, side, side, (width, height, toWidth, toHeight) => {
      const random = new Random(width, height);
      const data = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
      const [image, size] = [
        { width, height, data },
        { width: toWidth, height: toHeight },
      ];
      const [actual, expected] = [resize(image, size).data, obvious(image, size)];
      expect(actual.length).toBe(expected.length);
      actual.forEach((v, i) => expect(Math.abs(v - expected[i])).toBeLessThanOrEqual(1.6));
    }),
    { numRuns: 60 },
  );
});
