import { expect, test } from 'vitest';
import { isFraction, seenScope } from '../../report/verdict.js';
import { classifierVerdict } from '../../train/classify/verdict.js';
import { segmenterVerdict } from '../../train/segment/verdict.js';

const SCOPE = seenScope(40, true);
const NAMES = ['cat', 'dog', 'owl'];

test('a classifier: the most frequent mistake, no mistake, no better than one answer', () => {
  const verdict = (counts: readonly (readonly number[])[]): string =>
    classifierVerdict(counts, NAMES, SCOPE);
  expect(
    verdict([
      [10, 5, 0],
      [1, 12, 1],
      [0, 0, 11],
    ]),
  ).toBe(
    'Top-1 accuracy 82.5 % on 40 images that it has not seen; most often cat is taken for dog (5 of 7 mistakes): look at the worst images for wrong labels, then add images that tell the two apart',
  );
  expect(
    verdict([
      [10, 0, 0],
      [0, 10, 0],
      [0, 0, 20],
    ]),
  ).toMatch(/100\.0 % .*; no mistake: try it on images of other places/);
  expect(
    verdict([
      [20, 0, 0],
      [10, 0, 0],
      [10, 0, 0],
    ]),
  ).toMatch(/no better than the answer cat for every image \(50\.0 %\): train longer/);
  expect(
    verdict([
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]),
  ).toMatch(/^no score/);
});

test('mistakes that happen once each are not said to be the most frequent', () => {
  const counts = [
    [5, 1, 0],
    [0, 5, 1],
    [1, 0, 5],
  ];
  expect(classifierVerdict(counts, NAMES, SCOPE)).toMatch(
    /no two of the 3 mistakes are alike: look at the worst images/,
  );
});

test('a classifier of many classes that is right hardly more often than by chance has learned little', () => {
  const names = Array.from({ length: 100 }, (_, k) => `class ${k}`);
  const counts = names.map((_, r) =>
    names.map((_, c) => Number(c === (r < 3 ? r : (r + 1) % 100))),
  );
  expect(classifierVerdict(counts, names, SCOPE)).toMatch(
    /3\.0 % .*; it has learned little yet: train longer/,
  );
});

test('a segmenter: the weakest class and what it is taken for', () => {
  const confusion = Float64Array.of(80, 0, 0, 0, 40, 10, 0, 20, 5);
  const perClass = [1, 40 / 70, 5 / 35].map((IoU) => ({ IoU }));
  const mIoU = (1 + 40 / 70 + 5 / 35) / 3;
  expect(segmenterVerdict({ mIoU, perClass, confusion }, NAMES, SCOPE)).toBe(
    'Mean IoU 57.1 % on 40 images that it has not seen; the weakest class is owl (IoU 14.3 %, 80.0 % of it taken for dog): look at the worst images for wrong labels, then add images with this class',
  );
  const allCats = Float64Array.of(80, 0, 0, 20, 0, 0, 0, 0, 0);
  const iou = [0.8, 0, NaN].map((IoU) => ({ IoU }));
  expect(segmenterVerdict({ mIoU: 0.4, perClass: iou, confusion: allCats }, NAMES, SCOPE)).toMatch(
    /no more pixels are right than with cat everywhere \(80\.0 %\): train longer/,
  );
});

test('classes without labeled pixels are never the weakest', () => {
  const confusion = Float64Array.of(50, 5, 0, 5, 40, 0, 0, 0, 0);
  const perClass = [50 / 60, 40 / 50, 0].map((IoU) => ({ IoU }));
  expect(segmenterVerdict({ mIoU: 0.5, perClass, confusion }, NAMES, SCOPE)).toMatch(
    /weakest class is dog \(IoU 80\.0 %, 11\.1 % of it taken for cat\)/,
  );
});

test('scores in percent, losses not; scopes', () => {
  const shares = [
    'top1',
    'top5',
    'mIoU',
    'mAcc',
    'aAcc',
    'bbox_AP',
    'segm_AR100',
    'calibrationError',
  ];
  expect(shares.every(isFraction)).toBe(true);
  expect(['loss', 'count', 'lossOfMasks', 'pixelLoss'].some(isFraction)).toBe(false);
  expect([seenScope(1, true), seenScope(20, false)]).toEqual([
    'only 1 image that it has not seen',
    '20 images of its training',
  ]);
});
