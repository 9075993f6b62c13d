import { expect, test } from 'vitest';
import { outlineOf, rectangleBetween } from '../../core/drawn-region.js';
import { rleArea } from '../../core/rle.js';
import { rleFromPolygons } from '../../core/rle-polygons.js';

test('a rectangle is given by two corners in any order', () => {
  const rectangle = rectangleBetween(9, 1, 4, 8);
  expect(rectangle).toEqual({ kind: 'rectangle', corners: [4, 1, 9, 8] });
  expect(rectangle.kind === 'rectangle' && outlineOf(rectangle)).toEqual([4, 1, 9, 1, 9, 8, 4, 8]);
});

test('a circle becomes a polygon with its box and nearly its area', () => {
  for (const radius of [0.5, 4, 50, 900]) {
    const points = outlineOf({
      kind: 'ellipse',
      center: [1000, 1000],
      radii: [radius, radius],
      angle: 0,
    });
    const xs = points.filter((_, i) => i % 2 === 0);
    expect(Math.min(...xs)).toBeCloseTo(1000 - radius, 9);
    expect(Math.max(...xs)).toBeCloseTo(1000 + radius, 9);
    const area = rleArea(rleFromPolygons([points], 2000, 2000));
    if (radius >= 4) expect(Math.abs(area / (Math.PI * radius ** 2) - 1)).toBeLessThan(0.04);
    for (let i = 0; i < points.length; i += 2)
      expect(Math.hypot(points[i] - 1000, points[i + 1] - 1000)).toBeCloseTo(radius, 9);
  }
});

test('an ellipse is turned by its angle', () => {
  const points = outlineOf({ kind: 'ellipse', center: [0, 0], radii: [4, 2], angle: Math.PI / 2 });
  expect(points[0]).toBeCloseTo(0, 9);
  expect(points[1]).toBeCloseTo(4, 9);
});
