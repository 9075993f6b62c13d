import { describe, expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { DETECTION_NMS, multiclassNms, SOFT_DETECTION_NMS } from '../../core/nms-multiclass.js';

const two = { ...DETECTION_NMS, numClasses: 2 };
const boxes = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 9); // IoU 0.9

describe('multiclassNms', () => {
  test('a box appears for every class above the threshold, background never', () => {
    const scores = Float32Array.of(0.05, 0.4, 0.9, 0.3, 0.01, 0.99);
    const detections = multiclassNms(boxes, scores, two);
    expect([...detections.classIndices]).toEqual([1, 0]);
    expect([...detections.rows]).toEqual([0, 1]);
    expect([...detections.scores]).toEqual([0.4, 0.3].map(Math.fround));
    expect([...detections.boxes]).toEqual([0, 0, 10, 10, 0, 0, 10, 9]);
  });

  test('overlap suppresses within a class only', () => {
    const scores = Float32Array.of(0.9, 0.1, 0, 0.8, 0.2, 0);
    const detections = multiclassNms(boxes, scores, two);
    expect([...detections.rows]).toEqual([0, 1]);
    expect([...detections.classIndices]).toEqual([0, 1]);
  });

  test('with class-specific boxes every class has its own', () => {
    const perClass = Float32Array.of(0, 0, 1, 1, 5, 5, 6, 6);
    const detections = multiclassNms(perClass, Float32Array.of(0.2, 0.7, 0), two);
    expect([...detections.boxes]).toEqual([5, 5, 6, 6, 0, 0, 1, 1]);
  });

  test('ties are ordered by row, then class; the limit truncates', () => {
    const scores = Float32Array.of(0.5, 0.5, 0, 0, 0.5, 0);
    const apart = Float32Array.of(0, 0, 1, 1, 5, 5, 6, 6);
    const detections = multiclassNms(apart, scores, { ...two, maxPerImage: 2 });
    expect([...detections.rows]).toEqual([0, 0]);
    expect([...detections.classIndices]).toEqual([0, 1]);
  });

  test('soft suppression keeps the overlapping box with a lower score', () => {
    const scores = Float32Array.of(0.9, 0, 0, 0.8, 0, 0);
    const detections = multiclassNms(boxes, scores, { ...SOFT_DETECTION_NMS, numClasses: 2 });
    expect([...detections.rows]).toEqual([0, 1]);
    expect(detections.scores[1]).toBeCloseTo(0.8 * 0.1, 6);
  });

  test('without rows or scores above the threshold the result is empty', () => {
    const none = new Float32Array(0);
    expect(multiclassNms(none, none, two).scores).toHaveLength(0);
    expect(multiclassNms(boxes, new Float32Array(6), two).boxes).toHaveLength(0);
  });

  test('lengths that do not fit are errors', () => {
    expect(() => multiclassNms(boxes, new Float32Array(5), two)).toThrow(ShapeError);
    expect(() => multiclassNms(new Float32Array(12), new Float32Array(6), two)).toThrow(
      'expected scores [R, 3] and boxes [R, 4] or [R, 8], got 6 and 12 numbers',
    );
  });
});
