import { expect, test } from 'vitest';
import { segmentResult, type DetectResult } from '../../core/results.js';
import { reducedResult } from '../../report/reduced-result.js';

test('boxes are scaled, and masks left out', () => {
  const object = { classIndex: 1, categoryId: 7, name: 'nut', score: 0.5 };
  const result: DetectResult = {
    task: 'detect',
    width: 400,
    height: 300,
    objects: [{ ...object, box: [40, 30, 100, 60], mask: { size: [300, 400], counts: '0' } }],
  };
  expect(reducedResult(result, result)).toBe(result);
  expect(reducedResult(result, { width: 40, height: 60 })).toEqual({
    task: 'detect',
    width: 40,
    height: 60,
    objects: [{ ...object, box: [4, 6, 10, 12] }],
  });
});

test('of labels those at the centers of the pixels are taken', () => {
  const labels = Uint8Array.from({ length: 24 }, (_, i) => i);
  const result = segmentResult({ width: 6, height: 4, labels, classNames: ['a'] });
  const { width, height, labels: reduced } = reducedResult(result, { width: 2, height: 2 });
  expect([width, height, ...reduced]).toEqual([2, 2, 7, 10, 19, 22]);
});
