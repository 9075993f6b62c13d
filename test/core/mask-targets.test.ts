import { describe, expect, test } from 'vitest';
import { ConfigError, DataError, ShapeError } from '../../core/errors.js';
import { identityGrid, maskTargets, type MaskSource } from '../../core/mask-targets.js';
import { Random } from '../../core/random.js';
import { rleFromPolygons } from '../../core/rle-polygons.js';
import { decodeRle, encodeRle } from '../../core/rle.js';

/** Means of bilinear samples of a bitmap over the bins of a box, one sample after the other in float64, `[S, S]`. */
function slowMeans(
  data: Uint8Array,
  { width: W, height: H }: { readonly width: number; readonly height: number },
  box: readonly number[],
  S: number,
): Float64Array {
  const clip = (v: number, end: number): number => Math.min(Math.max(v, 0), end);
  const [x1, y1, x2, y2] = [clip(box[0], W), clip(box[1], H), clip(box[2], W), clip(box[3], H)];
  const [ny, nx] = [Math.ceil((y2 - y1) / S), Math.ceil((x2 - x1) / S)];
  const means = new Float64Array(S * S);
  const bit = (y: number, x: number): number => data[Math.min(y, H - 1) * W + Math.min(x, W - 1)];
  for (let i = 0; i < S * S; i++) {
    for (let s = 0; s < ny * nx; s++) {
      const y = y1 - 0.5 + ((Math.floor(i / S) + (Math.floor(s / nx) + 0.5) / ny) * (y2 - y1)) / S;
      const x = x1 - 0.5 + (((i % S) + ((s % nx) + 0.5) / nx) * (x2 - x1)) / S;
      const [v, u] = [clip(y, H - 1), clip(x, W - 1)];
      const [row, column] = [Math.floor(v), Math.floor(u)];
      const [fy, fx] = [v - row, u - column];
      means[i] +=
        ((1 - fy) * ((1 - fx) * bit(row, column) + fx * bit(row, column + 1)) +
          fy * ((1 - fx) * bit(row + 1, column) + fx * bit(row + 1, column + 1))) /
        (ny * nx);
    }
  }
  return means;
}

/** A mask of a few ellipses. */
function blobs(random: Random, width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height);
  for (let blob = 0; blob < 3; blob++) {
    const [cx, cy] = [random.between(0, width), random.between(0, height)];
    const [rx, ry] = [random.between(2, width / 2), random.between(2, height / 2)];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1) data[y * width + x] = 1;
  }
  return data;
}

const sourcesOf = (data: Uint8Array, width: number, height: number): MaskSource[] => [
  { kind: 'bitmap', data, width, height },
  { kind: 'rle', counts: encodeRle(data, height, width).counts, width, height },
];

describe('maskTargets', () => {
  test('by hand: the left half of a box', () => {
    const data = Uint8Array.of(1, 255, 0, 0, 7, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0);
    const size = { width: 4, height: 4 };
    const options = { maskSize: 4, canvas: size, grid: identityGrid(size) };
    for (const mask of sourcesOf(data, 4, 4)) {
      const targets = maskTargets(Float32Array.of(0, 0, 4, 4), Int32Array.of(0), [mask], options);
      expect(targets).toEqual(data.map((value) => Math.min(value, 1)));
    }
  });

  test('a mean of exactly one half is foreground', () => {
    const data = Uint8Array.of(1, 0, 1, 0, 1, 0);
    const size = { width: 2, height: 3 };
    const mask: MaskSource = { kind: 'bitmap', data, ...size };
    for (const box of [
      [0, 0, 2, 2],
      [0, 0, 2, 3],
    ]) {
      const options = { maskSize: 1, canvas: size, grid: identityGrid(size) };
      expect([...maskTargets(Float32Array.from(box), Int32Array.of(0), [mask], options)]).toEqual([
        1,
      ]);
    }
  });

  test('equals sampling the whole bitmap, for run lengths and bitmaps alike', () => {
    const random = new Random(6);
    let numOn = 0;
    for (let trial = 0; trial < 40; trial++) {
      const [width, height] = [8 + random.integer(60), 8 + random.integer(60)];
      const size = { width, height };
      const data = blobs(random, width, height);
      const boxes = Float32Array.from({ length: 4 }, () => random.between(-10, 70));
      if (boxes[0] > boxes[2]) boxes.subarray(0, 4).set([boxes[2], boxes[1], boxes[0], boxes[3]]);
      if (boxes[1] > boxes[3]) boxes.subarray(0, 4).set([boxes[0], boxes[3], boxes[2], boxes[1]]);
      const S = [1, 7, 28][trial % 3];
      const means = slowMeans(data, size, [...boxes], S);
      const options = { maskSize: S, canvas: size, grid: identityGrid(size) };
      for (const mask of sourcesOf(data, width, height)) {
        const targets = maskTargets(boxes, Int32Array.of(0), [mask], options);
        means.forEach((mean, i) => {
          // float32 positions may turn what lies on the threshold
          if (Math.abs(mean - 0.5) > 1e-4) expect(targets[i]).toBe(mean > 0.5 ? 1 : 0);
          numOn += targets[i];
        });
      }
    }
    expect(numOn).toBeGreaterThan(1000);
  });

  test('polygons are rasterized at the source size', () => {
    const polygons = [[2.3, 1.1, 17.2, 3.4, 9.9, 12.7]];
    const size = { width: 20, height: 14 };
    const data = decodeRle(rleFromPolygons(polygons, 14, 20));
    const options = { maskSize: 28, canvas: size, grid: identityGrid(size) };
    const boxes = Float32Array.of(2, 1, 17, 13);
    const [bitmap] = sourcesOf(data, 20, 14);
    const targets = maskTargets(boxes, Int32Array.of(0), [{ kind: 'polygons', polygons }], options);
    expect(targets).toEqual(maskTargets(boxes, Int32Array.of(0), [bitmap], options));
    expect(targets).toContain(1);
  });

  test('a grid of resize, flip, crop and padding equals transforming the bitmap', () => {
    const random = new Random(10);
    const source = { width: 30, height: 20 };
    const data = blobs(random, 30, 20);
    // 1.7 times larger by nearest, flipped, columns 5 to 44 and rows 3 to 30 cut out, padded to 48 x 32
    const columns = Int32Array.from({ length: 40 }, (_, x) => Math.floor((51 - 1 - (x + 5)) / 1.7));
    const rows = Int32Array.from({ length: 28 }, (_, y) => Math.floor((y + 3) / 1.7));
    const canvas = { width: 48, height: 32 };
    const transformed = new Uint8Array(48 * 32);
    for (let y = 0; y < 28; y++)
      for (let x = 0; x < 40; x++) transformed[y * 48 + x] = data[rows[y] * 30 + columns[x]];
    const boxes = Float32Array.of(0, 0, 48, 32, 10, 5, 30, 25, 35, 20, 46, 31, 4, 4, 4, 9);
    const indices = new Int32Array(4);
    for (const [i, mask] of sourcesOf(data, 30, 20).entries()) {
      const grid = { source, rows, columns };
      const targets = maskTargets(boxes, indices, [mask], { maskSize: 28, canvas, grid });
      const whole = sourcesOf(transformed, 48, 32)[i];
      const options = { maskSize: 28, canvas, grid: identityGrid(canvas) };
      expect(targets).toEqual(maskTargets(boxes, indices, [whole], options));
      expect(targets.subarray(0, 784)).toContain(1);
      expect(targets.subarray(3 * 784)).not.toContain(1); // the box without width
    }
  });

  test('every box uses the mask of its object', () => {
    const size = { width: 2, height: 2 };
    const on: MaskSource = { kind: 'bitmap', data: new Uint8Array(4).fill(1), ...size };
    const off: MaskSource = { kind: 'bitmap', data: new Uint8Array(4), ...size };
    const options = { maskSize: 1, canvas: size, grid: identityGrid(size) };
    const boxes = Float32Array.of(0, 0, 2, 2, 0, 0, 2, 2, 0, 0, 2, 2);
    expect([...maskTargets(boxes, Int32Array.of(1, 0, 1), [on, off], options)]).toEqual([0, 1, 0]);
  });

  test('no boxes give no targets', () => {
    const size = { width: 2, height: 2 };
    const options = { maskSize: 28, canvas: size, grid: identityGrid(size) };
    expect(maskTargets(new Float32Array(0), new Int32Array(0), [], options)).toHaveLength(0);
  });

  test('missing masks, wrong sizes and lengths are errors', () => {
    const size = { width: 2, height: 2 };
    const options = { maskSize: 28, canvas: size, grid: identityGrid(size) };
    const box = Float32Array.of(0, 0, 1, 1);
    const mask: MaskSource = { kind: 'bitmap', data: new Uint8Array(6), width: 3, height: 2 };
    const run = (masks: readonly MaskSource[], index = 0): (() => Uint8Array) => {
      return () => maskTargets(box, Int32Array.of(index), masks, options);
    };
    expect(run([mask])).toThrow('expected a mask of 2 x 2 for object 0, got 3 x 2');
    expect(run([{ kind: 'none' }])).toThrow(DataError);
    expect(run([mask], 3)).toThrow('expected a mask for object 3, got none');
    expect(() => maskTargets(box, new Int32Array(2), [mask], options)).toThrow(ShapeError);
    expect(() => maskTargets(box, Int32Array.of(0), [mask], { ...options, maskSize: 0 })).toThrow(
      ConfigError,
    );
  });
});
