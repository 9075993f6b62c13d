import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boxAreas, iouMatrix, scaleBoxes, unscaleBoxes } from '../../core/boxes.js';
import { ShapeError } from '../../core/errors.js';
import { alignedGiou, giouMatrix } from './giou.js';

const coordinate = fc.integer({ min: 0, max: 4096 }).map((eighths) => eighths / 8);
const box = fc
  .tuple(coordinate, coordinate, coordinate, coordinate)
  .map(([a, b, c, d]) => [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)]);
const boxes = (max: number): fc.Arbitrary<Float32Array> =>
  fc.array(box, { maxLength: max }).map((rows) => Float32Array.from(rows.flat()));

const HALVES = Float32Array.of(0, 0, 4, 2, 2, 0, 6, 2); // overlap 2 x 2 of 4 x 2

describe('overlaps', () => {
  test('areas count pixels as x2 - x1', () => {
    expect([...boxAreas(Float32Array.of(1, 2, 4, 4, 5, 5, 5, 9))]).toEqual([6, 0]);
  });

  test('values computed by hand: 4 of 12 pixels, and a hull of 6 x 2', () => {
    expect(iouMatrix(HALVES, HALVES)[1]).toBeCloseTo(4 / 12, 6);
    expect(giouMatrix(HALVES, HALVES)[1]).toBeCloseTo(4 / 12 - 0, 6);
    const apart = giouMatrix(Float32Array.of(0, 0, 2, 2), Float32Array.of(4, 0, 6, 2));
    expect(apart[0]).toBeCloseTo(0 - (12 - 8) / 12, 6);
  });

  test('boxes without area overlap nothing, and quotients stay finite', () => {
    const point = Float32Array.of(3, 3, 3, 3);
    expect([...iouMatrix(point, point)]).toEqual([0]);
    // union and hull are both floored at 1e-6: 0 / 1e-6 - (1e-6 - 1e-6) / 1e-6
    expect([...giouMatrix(point, point)]).toEqual([0]);
  });

  test('boxes that touch do not overlap', () => {
    expect(iouMatrix(Float32Array.of(0, 0, 2, 2), Float32Array.of(2, 0, 4, 2))[0]).toBe(0);
  });

  test('iou and giou are symmetric, bounded, and 1 for a box with itself', () => {
    fc.assert(
      fc.property(boxes(4), boxes(4), (a, b) => {
        const [A, B] = [a.length / 4, b.length / 4];
        const [iou, giou] = [iouMatrix(a, b), giouMatrix(a, b)];
        const [back, giouBack] = [iouMatrix(b, a), giouMatrix(b, a)];
        for (let i = 0; i < A; i++) {
          for (let j = 0; j < B; j++) {
            expect(iou[i * B + j]).toBe(back[j * A + i]);
            expect(giou[i * B + j]).toBe(giouBack[j * A + i]);
            expect(iou[i * B + j]).toBeGreaterThanOrEqual(0);
            expect(iou[i * B + j]).toBeLessThanOrEqual(1.00001);
            expect(giou[i * B + j]).toBeLessThanOrEqual(iou[i * B + j] + 1e-5);
            expect(giou[i * B + j]).toBeGreaterThanOrEqual(-1.00001);
          }
        }
        const self = iouMatrix(a, a);
        boxAreas(a).forEach((area, i) => {
          if (area > 1e-6) expect(self[i * A + i]).toBe(1);
        });
      }),
    );
  });

  test('alignedGiou is the diagonal of giouMatrix', () => {
    fc.assert(
      fc.property(boxes(6), (a) => {
        const shifted = a.map((v, i) => v + (i % 3));
        const full = giouMatrix(a, shifted);
        const M = a.length / 4;
        expect([...alignedGiou(a, shifted)]).toEqual(
          Array.from({ length: M }, (_, i) => full[i * M + i]),
        );
      }),
    );
  });

  test('no boxes give empty matrices', () => {
    const none = new Float32Array(0);
    expect(iouMatrix(none, HALVES)).toHaveLength(0);
    expect(giouMatrix(HALVES, none)).toHaveLength(0);
    expect(boxAreas(none)).toHaveLength(0);
  });

  test('lengths that are not multiples of 4 are named', () => {
    expect(() => iouMatrix(new Float32Array(5), HALVES)).toThrow(ShapeError);
  });
});

describe('scaling', () => {
  test('scaling multiplies x and y separately, also in place', () => {
    const box = Float32Array.of(1, 2, 3, 4);
    expect(scaleBoxes(box, { x: 2, y: 10 }, box)).toBe(box);
    expect([...box]).toEqual([2, 20, 6, 40]);
  });

  test('unscaling divides: thirds are float32 quotients', () => {
    const factor = { x: 3, y: 3 };
    const divided = unscaleBoxes(Float32Array.of(1, 2, 5, 7), factor);
    expect([...divided]).toEqual([1, 2, 5, 7].map((v) => Math.fround(v / 3)));
  });
});
