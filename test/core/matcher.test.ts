import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { iouMatrix } from '../../core/boxes.js';
import { ConfigError, DataError, ShapeError } from '../../core/errors.js';
import { roiTargets } from '../../core/matcher-roi.js';
import { rpnTargets } from '../../core/matcher-rpn.js';
import {
  CASCADE_MATCHERS,
  matchBoxes,
  RPN_MATCHER,
  type MatcherConfig,
} from '../../core/matcher.js';
import { Random } from '../../core/random.js';
import { ROI_TARGETS, RPN_TARGETS } from './target-configs.js';

const strip = (x: number, width = 10): number[] => [x, 0, x + width, 10];
const boxesOf = (...rows: readonly (readonly number[])[]): Float32Array =>
  Float32Array.from(rows.flat());

/** The rules of the specification, word for word, on the full matrix. */
function slowMatch(
  boxes: Float32Array,
  gts: Float32Array,
  config: MatcherConfig,
  include?: Uint8Array,
): number[] {
  const [M, G] = [boxes.length / 4, gts.length / 4];
  const iou = iouMatrix(gts, boxes);
  const used = (i: number): boolean => include === undefined || include[i] === 1;
  const assigned = Array.from({ length: M }, (_, i) => {
    if (!used(i)) return -1;
    if (G === 0) return 0;
    const column = Array.from({ length: G }, (_, g) => iou[g * M + i]);
    const max = Math.max(...column);
    if (max >= Math.fround(config.positiveIou)) return column.indexOf(max) + 1;
    return max < Math.fround(config.negativeIou) ? 0 : -1;
  });
  if (!config.lowQuality) return assigned;
  for (let g = 0; g < G; g++) {
    const row = Array.from({ length: M }, (_, i) => (used(i) ? iou[g * M + i] : -1));
    const max = Math.max(...row);
    if (max < Math.fround(config.minPositiveIou)) continue;
    row.forEach((value, i) => {
      if (value === max) assigned[i] = g + 1;
    });
  }
  return assigned;
}

describe('matchBoxes', () => {
  test('thresholds by hand: 1, 0.6, 0.43, 0.18 and 0', () => {
    const config = { ...RPN_MATCHER, lowQuality: false };
    const boxes = boxesOf(strip(0), strip(2.5), strip(4), strip(7), strip(20));
    const { assigned, maxOverlaps } = matchBoxes(boxes, boxesOf(strip(0)), config);
    expect([...assigned]).toEqual([1, -1, -1, 0, 0]);
    expect([...maxOverlaps].map((v) => v.toFixed(3))).toEqual([
      '1.000',
      '0.600',
      '0.429',
      '0.176',
      '0.000',
    ]);
  });

  test('an IoU equal to a threshold is positive, or no longer background', () => {
    const half = boxesOf([0, 0, 10, 5]); // IoU 0.5
    const [cascade] = CASCADE_MATCHERS;
    expect([...matchBoxes(half, boxesOf(strip(0)), cascade).assigned]).toEqual([1]);
    const apart = { ...cascade, positiveIou: 0.7 };
    expect([...matchBoxes(half, boxesOf(strip(0)), apart).assigned]).toEqual([-1]);
  });

  test('a ground truth without a good box takes every box that ties for its best', () => {
    const { assigned } = matchBoxes(
      boxesOf(strip(0), strip(8), strip(30)),
      boxesOf([4, 0, 14, 10]), // 6 of 14 with both
      RPN_MATCHER,
    );
    expect([...assigned]).toEqual([1, 1, 0]);
  });

  test('a later ground truth takes a tied box away from an earlier one', () => {
    const { assigned } = matchBoxes(
      boxesOf(strip(0), strip(40)),
      boxesOf(strip(-5), strip(5), strip(41)),
      RPN_MATCHER,
    );
    expect([...assigned]).toEqual([2, 3]);
  });

  test('of equal ground truths the first wins by threshold, the last by low quality', () => {
    const gts = boxesOf(strip(0), strip(0));
    const boxes = boxesOf(strip(0), strip(1));
    expect([...matchBoxes(boxes, gts, { ...RPN_MATCHER, lowQuality: false }).assigned]).toEqual([
      1, 1,
    ]);
    expect([...matchBoxes(boxes, gts, RPN_MATCHER).assigned]).toEqual([2, 1]);
  });

  test('excluded boxes neither match nor count for the best IoU', () => {
    const include = Uint8Array.of(0, 1);
    const { assigned, maxOverlaps } = matchBoxes(
      boxesOf(strip(0), strip(3)),
      boxesOf(strip(0)),
      RPN_MATCHER,
      include,
    );
    expect([...assigned]).toEqual([-1, 1]);
    expect(maxOverlaps[0]).toBe(0);
  });

  test('IoUs separated by rounding tie only within the tolerance', () => {
    // Mathematically the same box in two places; sides of 1 / 3 are rounded differently there.
    const boxes = boxesOf([0.1, 0, 3.4333333, 1], [100.1, 0, 103.4333333, 1]);
    const gts = boxesOf([0, 0, 104, 1]);
    const config = { ...RPN_MATCHER, minPositiveIou: 0.01, negativeIou: 0.01 };
    const [a, b] = iouMatrix(gts, boxes);
    expect(a).not.toBe(b);
    const assigned = (tieTolerance: number): number[] => [
      ...matchBoxes(boxes, gts, { ...config, tieTolerance }).assigned,
    ];
    expect(assigned(0).filter((value) => value === 1)).toHaveLength(1);
    expect(assigned(1e-6)).toEqual([1, 1]);
  });

  test('without ground truths everything is background, without boxes nothing is', () => {
    const none = new Float32Array(0);
    expect([...matchBoxes(boxesOf(strip(0)), none, RPN_MATCHER).assigned]).toEqual([0]);
    expect(matchBoxes(none, boxesOf(strip(0)), RPN_MATCHER).assigned).toHaveLength(0);
  });

  test('agrees with a literal implementation of the rules', () => {
    // A coarse grid makes ties common.
    const box = fc
      .tuple(fc.nat(12), fc.nat(12), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
      .map(([x, y, w, h]) => [x, y, x + w, y + h]);
    const rows = (max: number): fc.Arbitrary<Float32Array> =>
      fc.array(box, { maxLength: max }).map((list) => boxesOf(...list));
    fc.assert(
      fc.property(
        rows(24),
        rows(5),
        fc.constantFrom<MatcherConfig>(RPN_MATCHER, ...CASCADE_MATCHERS, ROI_TARGETS.matcher),
        fc.array(fc.constantFrom(0, 1), { minLength: 24, maxLength: 24 }),
        fc.boolean(),
        (boxes, gts, config, flags, restricted) => {
          const include = restricted
            ? Uint8Array.from(flags).slice(0, boxes.length / 4)
            : undefined;
          expect([...matchBoxes(boxes, gts, config, include).assigned]).toEqual(
            slowMatch(boxes, gts, config, include),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  test('wrong lengths and reversed thresholds are errors', () => {
    expect(() =>
      matchBoxes(boxesOf(strip(0)), boxesOf(strip(0)), RPN_MATCHER, new Uint8Array(2)),
    ).toThrow(ShapeError);
    expect(() =>
      matchBoxes(boxesOf(strip(0)), boxesOf(strip(0)), { ...RPN_MATCHER, negativeIou: 0.8 }),
    ).toThrow(ConfigError);
  });
});

describe('rpnTargets', () => {
  const anchors = boxesOf(strip(0), strip(1), strip(40), strip(60));
  const all = new Uint8Array(4).fill(1);

  test('positives with their deltas, negatives, and the count for the normalizer', () => {
    const targets = rpnTargets(anchors, all, boxesOf(strip(1)), RPN_TARGETS, 'inOrder');
    expect([...targets.positives]).toEqual([0, 1]);
    expect([...targets.negatives]).toEqual([2, 3]);
    expect([...targets.deltas]).toEqual([0.1, 0, 0, 0, 0, 0, 0, 0].map(Math.fround));
    expect(targets.numSampled).toBe(4);
  });

  test('an image without objects has negatives only and counts one positive', () => {
    const targets = rpnTargets(anchors, all, new Float32Array(0), RPN_TARGETS, new Random(1));
    expect(targets.positives).toHaveLength(0);
    expect([...targets.negatives]).toEqual([0, 1, 2, 3]);
    expect(targets.numSampled).toBe(5);
  });
});

describe('roiTargets', () => {
  const groundTruths = { boxes: boxesOf(strip(0), strip(50)), classIndices: Int32Array.of(3, 1) };

  test('ground truths come first and are matched to themselves', () => {
    const targets = roiTargets(
      boxesOf(strip(51), strip(100)),
      groundTruths,
      ROI_TARGETS,
      'inOrder',
    );
    expect(targets.numPositives).toBe(3);
    expect([...targets.boxes]).toEqual([...strip(0), ...strip(50), ...strip(51), ...strip(100)]);
    expect([...targets.classIndices]).toEqual([3, 1, 1, 80]);
    expect([...targets.groundTruthIndices]).toEqual([0, 1, 1]);
    expect([...targets.groundTruthBoxes]).toEqual([...strip(0), ...strip(50), ...strip(50)]);
    expect([...targets.isGroundTruth]).toEqual([1, 1, 0, 0]);
    // one tenth of a width to the left, divided by the deviation 0.1
    expect(targets.deltas[8]).toBeCloseTo(-1, 6);
  });

  test('the same random numbers give the same samples', () => {
    const proposals = Float32Array.from({ length: 4000 }, (_, i) =>
      (i & 3) < 2 ? (i * 7) % 90 : ((i * 7) % 90) + 20,
    );
    const draw = (seed: number): Float32Array =>
      roiTargets(proposals, groundTruths, ROI_TARGETS, new Random(seed)).boxes;
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1)).toHaveLength(4 * 512);
  });

  test('without ground truths and proposals there are no targets', () => {
    const none = { boxes: new Float32Array(0), classIndices: new Int32Array(0) };
    const targets = roiTargets(new Float32Array(0), none, ROI_TARGETS, new Random(1));
    expect(targets.boxes).toHaveLength(0);
    expect(targets.numPositives).toBe(0);
  });

  test('missing classes and ground truths without area are errors', () => {
    expect(() =>
      roiTargets(
        boxesOf(strip(0)),
        { ...groundTruths, classIndices: Int32Array.of(1) },
        ROI_TARGETS,
        'inOrder',
      ),
    ).toThrow(ShapeError);
    const flat = { boxes: boxesOf([1, 1, 1, 9]), classIndices: Int32Array.of(0) };
    expect(() => roiTargets(boxesOf(strip(0)), flat, ROI_TARGETS, 'inOrder')).toThrow(DataError);
  });
});
