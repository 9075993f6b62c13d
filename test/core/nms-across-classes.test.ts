import fc from 'fast-check';
import { expect, test } from 'vitest';
import { iouMatrix } from '../../core/boxes.js';
import { ShapeError } from '../../core/errors.js';
import { suppressAcrossClasses } from '../../core/nms-across-classes.js';

const rows = (
  boxes: readonly (readonly number[])[],
  classes: readonly number[],
  iouThreshold: number,
): readonly number[] => [
  ...suppressAcrossClasses(
    { boxes: Float32Array.from(boxes.flat()), classIndices: Int32Array.from(classes) },
    iouThreshold,
  ),
];

const A = [0, 0, 10, 10];
const NEARLY_A = [0, 0, 10, 9]; // IoU 0.9
const HALF_A = [0, 0, 10, 5];

test('of two classes at one place the better one is kept, and both where they overlap less', () => {
  expect(rows([A, NEARLY_A, HALF_A], [0, 1, 2], 0.7)).toEqual([0, 2]);
  expect(rows([A, NEARLY_A, HALF_A], [0, 1, 2], 0.95)).toEqual([0, 1, 2]);
});

test('objects of one class do not suppress each other', () => {
  expect(rows([A, NEARLY_A, A], [1, 1, 1], 0.5)).toEqual([0, 1, 2]);
  expect(rows([A, NEARLY_A, NEARLY_A], [1, 1, 0], 0.5)).toEqual([0, 1]);
});

test('a suppressed detection suppresses none', () => {
  // The second is dropped for the first; the third overlaps only the second that much.
  const third = [0, 3, 10, 9];
  expect(rows([A, NEARLY_A, third], [0, 1, 2], 0.6)).toEqual([0, 2]);
});

test('no detections, boxes without area, and a list of another length', () => {
  expect(rows([], [], 0.7)).toEqual([]);
  expect(
    rows(
      [
        [5, 5, 5, 5],
        [5, 5, 5, 5],
      ],
      [0, 1],
      0,
    ),
  ).toEqual([0, 1]);
  expect(() => rows([[1, 2, 3]], [0], 0.7)).toThrow(ShapeError);
});

test('no two kept ones of different classes overlap more, and each dropped one has such a neighbor', () => {
  const side = fc.integer({ min: 1, max: 6 });
  const box = fc
    .record({ x: fc.nat(4), y: fc.nat(4), w: side, h: side })
    .map(({ x, y, w, h }) => [x, y, x + w, y + h]);
  const found = fc.array(fc.tuple(box, fc.nat(2)), { maxLength: 14 });
  fc.assert(
    fc.property(found, fc.constantFrom(0.21, 0.53, 0.71), (list, threshold) => {
      const boxes = Float32Array.from(list.flatMap(([each]) => each));
      const classes = list.map(([, k]) => k);
      const kept = rows(
        list.map(([each]) => each),
        classes,
        threshold,
      );
      const ious = iouMatrix(boxes, boxes);
      const clash = (d: number): boolean =>
        kept.some(
          (k) => k < d && classes[k] !== classes[d] && ious[d * list.length + k] > threshold,
        );
      list.forEach((_, d) => expect(clash(d)).toBe(!kept.includes(d)));
    }),
  );
});
