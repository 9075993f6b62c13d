import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { rleFromBox, rleFromPolygons } from '../../core/rle-polygons.js';
import { decodeRle, mergeRles, rleArea } from '../../core/rle.js';

const picture = (rows: number, mask: Uint8Array): string[] => {
  const width = mask.length / rows;
  return Array.from({ length: rows }, (_, y) => mask.subarray(y * width, (y + 1) * width).join(''));
};

/** Draws every point of the outline on the fine grid, one after the other, as the method is described. */
function drawnPointByPoint(polygon: readonly number[], height: number, width: number): Uint8Array {
  const fine = polygon.map((v) => Math.trunc(5 * v + 0.5));
  const points: [number, number][] = [];
  for (let i = 0; i < fine.length; i += 2) {
    let [x0, y0] = [fine[i], fine[i + 1]];
    let [x1, y1] = [fine[(i + 2) % fine.length], fine[(i + 3) % fine.length]];
    const [dx, dy] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
    const isFlipped = (dx >= dy && x0 > x1) || (dx < dy && y0 > y1);
    if (isFlipped) [x0, y0, x1, y1] = [x1, y1, x0, y0];
    const slope = dx >= dy ? (y1 - y0) / dx : (x1 - x0) / dy;
    for (let d = 0; d <= Math.max(dx, dy); d++) {
      const t = isFlipped ? Math.max(dx, dy) - d : d;
      points.push(
        dx >= dy
          ? [t + x0, dx === 0 ? y0 : Math.trunc(y0 + slope * t + 0.5)]
          : [Math.trunc(x0 + slope * t + 0.5), t + y0],
      );
    }
  }
  const toggles = new Uint8Array(height * width + 1); // column-major
  for (let j = 1; j < points.length; j++) {
    const [[px, py], [x, y]] = [points[j - 1], points[j]];
    if (x === px) continue;
    const column = ((x < px ? x : x - 1) + 0.5) / 5 - 0.5;
    if (!Number.isInteger(column) || column < 0 || column > width - 1) continue;
    const row = Math.ceil(Math.min(height, Math.max(0, (Math.min(y, py) + 0.5) / 5 - 0.5)));
    toggles[column * height + row] ^= 1;
  }
  const mask = new Uint8Array(height * width);
  for (let i = 0, value = 0; i < height * width; i++) {
    value ^= toggles[i];
    mask[(i % height) * width + Math.floor(i / height)] = value;
  }
  return mask;
}

test('a rectangle covers the pixels whose middles it contains', () => {
  const rle = rleFromPolygons([[1, 1, 4, 1, 4, 3, 1, 3]], 4, 6);
  expect(picture(4, decodeRle(rle))).toEqual(['000000', '011100', '011100', '000000']);
});

test('several polygons give their union', () => {
  const parts = [
    [0, 0, 2, 0, 2, 2, 0, 2],
    [1, 1, 3, 1, 3, 3, 1, 3],
  ];
  expect(picture(3, decodeRle(rleFromPolygons(parts, 3, 3)))).toEqual(['110', '111', '011']);
});

test('a box is a polygon of four corners', () => {
  expect(rleFromBox([1, 1, 3, 2], 4, 6)).toEqual(rleFromPolygons([[1, 1, 1, 3, 4, 3, 4, 1]], 4, 6));
});

test('gives the pixels of the outline drawn point by point', () => {
  const coordinate = fc.oneof(
    fc.double({ min: -8, max: 20, noNaN: true }),
    fc.integer({ min: -3, max: 15 }),
    fc.integer({ min: -20, max: 80 }).map((n) => n / 5),
  );
  const polygon = fc
    .array(fc.tuple(coordinate, coordinate), { minLength: 1, maxLength: 9 })
    .map((points) => points.flat());
  fc.assert(
    fc.property(
      polygon,
      fc.integer({ min: 1, max: 13 }),
      fc.integer({ min: 1, max: 13 }),
      (p, h, w) => {
        expect(decodeRle(rleFromPolygons([p], h, w))).toEqual(drawnPointByPoint(p, h, w));
      },
    ),
    { numRuns: 1000 },
  );
});

describe('degenerate input', () => {
  test('no polygons, an empty polygon and a point cover nothing', () => {
    for (const parts of [[], [[]], [[3, 3]], [[3, 3, 3, 3, 3, 3]]])
      expect(rleArea(rleFromPolygons(parts, 6, 6))).toBe(0);
  });

  test('an image without pixels has a mask without pixels', () => {
    expect(decodeRle(rleFromPolygons([[0, 0, 5, 0, 5, 5]], 0, 0)).length).toBe(0);
  });

  test('vertices far outside take no longer than those inside', () => {
    const far = 4e8;
    const rle = rleFromPolygons([[-far, -far, far, -far, far, far, -far, far]], 3, 3);
    expect(rleArea(rle)).toBe(9);
  });

  test.each([
    [[1, 2, 3], 'pairs of coordinates, got 3 numbers'],
    [[1, NaN, 3, 4], 'coordinates of at most 400000000, got (1, NaN) at vertex 0'],
    [[5e8, 2, 3, 4], 'coordinates of at most 400000000, got (500000000, 2) at vertex 0'],
    [[1, 2, Infinity, 4], 'coordinates of at most 400000000, got (Infinity, 4) at vertex 1'],
  ])('%j is rejected', (polygon, message) => {
    expect(() => rleFromPolygons([polygon], 5, 5)).toThrow(DataError);
    expect(() => rleFromPolygons([polygon], 5, 5)).toThrow(message);
  });
});

test('many polygons are united as one after the other', () => {
  const point = fc.double({ min: -5, max: 45, noNaN: true });
  const polygon = fc.array(point, { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(polygon, { minLength: 9, maxLength: 40 }), (polygons) => {
      const single = polygons.map((one) => rleFromPolygons([one], 40, 30));
      const expected = single.reduce((a, b) => mergeRles([a, b], 'union'));
      const { height, width, counts } = rleFromPolygons(polygons, 40, 30);
      expect({ height, width, counts: [...counts] }).toEqual({
        ...expected,
        counts: [...expected.counts],
      });
    }),
    { numRuns: 50 },
  );
  const start = performance.now();
  const tiny = Array.from({ length: 20_000 }, (_, i) => [i, 0, i + 1, 0, i, 1]);
  expect(rleFromPolygons(tiny, 2, 20_000).width).toBe(20_000);
  expect(performance.now() - start).toBeLessThan(5000);
});

test('a few numbers that ask for billions of crossings are refused at once', () => {
  const zigzag = Array.from({ length: 1000 }, (_, i) => [i % 2 === 0 ? 0 : 4e8, i]).flat();
  const start = performance.now();
  for (const polygons of [[zigzag], Array.from({ length: 100 }, () => zigzag.slice(0, 22))])
    expect(() => rleFromPolygons(polygons, 1000, 2_000_000)).toThrow(
      /cross at most 4194304 columns of pixels/,
    );
  expect(performance.now() - start).toBeLessThan(5000);
  expect(() => rleFromPolygons([zigzag.map((v) => Math.min(v, 3000))], 1000, 3000)).not.toThrow();
});
