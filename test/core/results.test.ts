import { expect, test } from 'vitest';
import {
  compressMask,
  expandMask,
  segmentResult,
  segmentsOf,
  toJson,
  type DetectResult,
} from '../../core/results.js';
import { decodeRle, encodeRle } from '../../core/rle.js';
import { Random } from '../../core/random.js';

const random = new Random(1);
const labels = Uint8Array.from({ length: 7 * 5 }, () => random.integer(3));
const result = segmentResult({ width: 7, height: 5, labels, classNames: ['a', 'b', 'c', 'd'] });

test('a mask survives compression', () => {
  const mask = encodeRle([0, 1, 1, 0, 0, 1], 2, 3);
  expect(expandMask(compressMask(mask))).toEqual(mask);
});

test('segments are the pixels of each class that occurs', () => {
  const segments = segmentsOf(result);
  expect(segments.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  expect(segments.reduce((sum, { areaPx }) => sum + areaPx, 0)).toBe(35);
  for (const { classIndex, areaPx, mask } of segments) {
    const pixels = decodeRle(expandMask(mask));
    expect(pixels.reduce((sum, value) => sum + value, 0)).toBe(areaPx);
    expect([...pixels]).toEqual(Array.from(labels, (label) => (label === classIndex ? 1 : 0)));
  }
});

test('results are plain data: copies are equal, JSON has masks in COCO’s form', () => {
  const copy = structuredClone(result);
  expect(copy).toEqual({ task: 'segment', width: 7, height: 5, labels, classNames: result.classNames }); // prettier-ignore
  expect(JSON.parse(JSON.stringify(result))).toEqual({
    task: 'segment',
    width: 7,
    height: 5,
    classNames: result.classNames,
    segments: segmentsOf(result),
  });
  // A copy has no method that JSON.stringify would call.
  for (const same of [result, copy, { ...result }])
    expect(toJson(same)).toEqual(JSON.parse(JSON.stringify(result)));
  const mask = compressMask(encodeRle([0, 1, 1, 0], 2, 2));
  const detected: DetectResult = {
    task: 'detect',
    width: 2,
    height: 2,
    objects: [{ classIndex: 0, categoryId: 7, name: 'a', score: 0.5, box: [0, 0, 1, 1], mask }],
  };
  expect(JSON.parse(JSON.stringify(detected))).toEqual(detected);
  expect(structuredClone(detected)).toEqual(detected);
  expect(toJson(detected)).toEqual(detected);
});
