import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import {
  BoundaryIouEvaluator,
  boundaryDistance,
  boundaryIou,
  boundaryPixels,
} from '../../../evaluation/semantic/boundary-iou.js';

/** Looks at the whole square around every pixel. */
function slowBoundary(
  map: Uint8Array,
  height: number,
  width: number,
  distance: number,
): Uint8Array {
  return map.map((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let v = y - distance; v <= y + distance; v++)
      for (let u = x - distance; u <= x + distance; u++)
        if (u < 0 || v < 0 || u >= width || v >= height || map[v * width + u] !== value) return 1;
    return 0;
  });
}

const anyMap = fc
  .record({ height: fc.integer({ min: 1, max: 9 }), width: fc.integer({ min: 1, max: 9 }) })
  .chain(({ height, width }) => {
    // Few changes, so that there are regions with an inside.
    const pixel = fc.constantFrom(0, 0, 0, 0, 0, 0, 1, 2);
    return fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      maps: fc.tuple(
        ...[0, 1].map(() =>
          fc.array(pixel, { minLength: height * width, maxLength: height * width }),
        ),
      ),
    });
  });

test('boundaries agree with squares around the pixels', () => {
  fc.assert(
    fc.property(
      anyMap,
      fc.integer({ min: 1, max: 3 }),
      ({ height, width, maps: [values] }, distance) => {
        const map = Uint8Array.from(values);
        expect(boundaryPixels(map, height, width, distance)).toEqual(
          slowBoundary(map, height, width, distance),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('a data set of one image has the boundary IoU of each mask', () => {
  fc.assert(
    fc.property(anyMap, ({ height, width, maps }) => {
      const [groundTruth, prediction] = maps.map((values) => Uint8Array.from(values));
      const options = { height, width, dilationRatio: 0.1 };
      const evaluator = new BoundaryIouEvaluator(3);
      evaluator.update(groundTruth, prediction, options);
      const { perClass, mean } = evaluator.finish();
      const expected = [0, 1, 2].map((k) => {
        const [a, b] = [groundTruth, prediction].map((map) => map.map((v) => (v === k ? 1 : 0)));
        return boundaryIou(a, b, options);
      });
      expect([...perClass]).toEqual(expected);
      const defined = expected.filter((iou) => !Number.isNaN(iou));
      expect(mean).toBeCloseTo(defined.reduce((a, b) => a + b) / defined.length, 12);
    }),
    { numRuns: 200 },
  );
});

test('ignored pixels are not counted, but end regions', () => {
  const evaluator = new BoundaryIouEvaluator(1);
  evaluator.update(Uint8Array.of(0, 0, 0, 255), Uint8Array.of(0, 0, 0, 0), { height: 1, width: 4 });
  expect(evaluator.finish().mean).toBe(1);
});

describe('boundaryDistance', () => {
  test('is at least 1 and rounds ties to even', () => {
    expect(boundaryDistance({ height: 3, width: 4 })).toBe(1);
    expect(boundaryDistance({ height: 3, width: 4, dilationRatio: 0.5 })).toBe(2); // 2.5
    expect(boundaryDistance({ height: 3, width: 4, dilationRatio: 0.7 })).toBe(4); // 3.5
  });
});

test('a map of another size is rejected', () => {
  expect(() => boundaryPixels(Uint8Array.of(1), 1, 2, 1)).toThrow(DataError);
});
