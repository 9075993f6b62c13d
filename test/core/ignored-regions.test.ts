import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShapeError } from '../../core/errors.js';
import { outsideRegions } from '../../core/ignored-regions.js';
import { roiTargets } from '../../core/matcher-roi.js';
import { BOX_HEAD_CODER, RPN_CODER } from '../../core/box-coder.js';
import { rpnTargets } from '../../core/matcher-rpn.js';
import { ROI_MATCHER, RPN_MATCHER } from '../../core/matcher.js';
import { maxIouAssign } from './max-iou-assign.js';

const boxesOf = (...boxes: readonly (readonly number[])[]): Float32Array =>
  Float32Array.from(boxes.flat());
const REGION = { boxes: boxesOf([50, 0, 100, 100]), largestCover: 0.5 };
const OBJECT = [0, 0, 20, 20];
const INSIDE = [60, 10, 90, 40];
const HALF_INSIDE = [40, 0, 60, 20];
const MOSTLY_INSIDE = [48, 0, 68, 20];
const OUTSIDE = [0, 60, 30, 90];

test('boxes that a region covers by more than the fraction are left out', () => {
  const boxes = boxesOf(INSIDE, HALF_INSIDE, MOSTLY_INSIDE, OUTSIDE, [60, 60, 60, 60]);
  expect([...outsideRegions(boxes, REGION)!]).toEqual([0, 1, 0, 1, 1]);
  expect([...outsideRegions(boxes, { ...REGION, largestCover: 0.95 })!]).toEqual([0, 1, 1, 1, 1]);
  // Excluded anchors stay so, and the given flags are not changed.
  const include = Uint8Array.of(1, 0, 1, 1, 1);
  expect([...outsideRegions(boxes, REGION, include)!]).toEqual([0, 0, 0, 1, 1]);
  expect([...include]).toEqual([1, 0, 1, 1, 1]);
});

test('without regions the flags are those given', () => {
  const include = Uint8Array.of(1, 0);
  const none = { boxes: new Float32Array(0), largestCover: 0.5 };
  expect(outsideRegions(boxesOf(INSIDE, OUTSIDE), none, include)).toBe(include);
  expect(outsideRegions(boxesOf(INSIDE), undefined)).toBeUndefined();
  expect(() => outsideRegions(new Float32Array(3), REGION)).toThrow(ShapeError);
});

test('anchors in a region are neither positive nor negative for the RPN, objects there or not', () => {
  const anchors = boxesOf(OBJECT, INSIDE, MOSTLY_INSIDE, OUTSIDE);
  const config = {
    matcher: RPN_MATCHER,
    sampler: { numSamples: 100, positiveFraction: 0.5 },
    coder: RPN_CODER,
  };
  const targets = (groundTruths: Float32Array, regions = REGION): number[][] => {
    const include = outsideRegions(anchors, regions, new Uint8Array(4).fill(1))!;
    const { positives, negatives } = rpnTargets(anchors, include, groundTruths, config, 'inOrder');
    return [[...positives], [...negatives]];
  };
  expect(targets(boxesOf(OBJECT))).toEqual([[0], [3]]);
  // An object inside a crowd, as in mmdetection.
  expect(targets(boxesOf(OBJECT, INSIDE))).toEqual([[0], [3]]);
  expect(targets(new Float32Array(0))).toEqual([[], [0, 3]]);
});

test('proposals in a region are not sampled for the box head, but objects there are', () => {
  const config = {
    matcher: ROI_MATCHER,
    sampler: { numSamples: 100, positiveFraction: 1 },
    coder: BOX_HEAD_CODER,
    numClasses: 2,
  };
  const proposals = boxesOf(OBJECT, INSIDE, MOSTLY_INSIDE, OUTSIDE);
  const groundTruths = { boxes: boxesOf(OBJECT, INSIDE), classIndices: Int32Array.of(1, 0) };
  const rowsOf = (ignored?: typeof REGION): (readonly [number, ...number[]])[] => {
    const found = roiTargets(proposals, { ...groundTruths, ignored }, config, 'inOrder');
    return Array.from(found.classIndices, (k, r) => [k, ...found.boxes.subarray(4 * r, 4 * r + 4)]);
  };
  expect(rowsOf(REGION)).toEqual([
    [1, ...OBJECT], // the ground truths themselves
    [0, ...INSIDE],
    [1, ...OBJECT],
    [2, ...OUTSIDE],
  ]);
  expect(rowsOf()).toEqual([
    [1, ...OBJECT],
    [0, ...INSIDE],
    [1, ...OBJECT],
    [0, ...INSIDE],
    [2, ...MOSTLY_INSIDE],
    [2, ...OUTSIDE],
  ]);
});

test('agrees with mmdetection’s rule, ignore_iof_thr', () => {
  const side = fc.integer({ min: 1, max: 8 });
  const box = fc
    .record({ x: fc.nat(8), y: fc.nat(8), w: side, h: side })
    .map(({ x, y, w, h }) => [x, y, x + w, y + h]);
  const list = fc.array(box, { maxLength: 8 });
  fc.assert(
    fc.property(list, fc.array(box, { minLength: 1, maxLength: 4 }), list, (boxes, gts, crowds) => {
      const regions = { boxes: boxesOf(...crowds), largestCover: 0.51 };
      const include = outsideRegions(
        boxesOf(...boxes),
        regions,
        new Uint8Array(boxes.length).fill(1),
      )!;
      const { positives, negatives } = rpnTargets(
        boxesOf(...boxes),
        include,
        boxesOf(...gts),
        {
          matcher: RPN_MATCHER,
          sampler: { numSamples: 1000, positiveFraction: 1 },
          coder: RPN_CODER,
        },
        'inOrder',
      );
      const assigned = maxIouAssign(boxes, gts, crowds, 0.51);
      const where = (fits: (value: number) => boolean): number[] =>
        assigned.flatMap((value, i) => (fits(value) ? [i] : []));
      expect([...positives]).toEqual(where((value) => value > 0));
      expect([...negatives]).toEqual(where((value) => value === 0));
    }),
  );
});
