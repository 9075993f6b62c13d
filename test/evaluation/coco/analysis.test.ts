import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../core/errors.js';
import type { XywhBox } from '../../../core/rle.js';
import { detectionConfusion } from '../../../evaluation/coco/detection-confusion.js';
import { errorBreakdown, ERROR_KINDS } from '../../../evaluation/coco/error-breakdown.js';
import { CocoEvaluator } from '../../../evaluation/coco/evaluator.js';
import {
  CocoDetectionsBuilder,
  CocoGroundTruthBuilder,
  type CocoDetections,
  type CocoGroundTruth,
} from '../../../evaluation/coco/objects.js';
import { cocoParameters } from '../../../evaluation/coco/parameters.js';
import { meanCurve, thresholdCurves } from '../../../evaluation/coco/threshold-curves.js';
import { anyProblem, detectionsOf, groundTruthOf } from './random-problem.js';

type Place = readonly [categoryId: number, box: XywhBox, extra?: number];

/** One image with categories 1, 2, 3. */
function scene(
  objects: readonly Place[],
  found: readonly Place[],
): { groundTruth: CocoGroundTruth; detections: CocoDetections } {
  const groundTruth = new CocoGroundTruthBuilder({
    imageIds: Float64Array.of(1),
    imageHeights: Float64Array.of(100),
    imageWidths: Float64Array.of(100),
    categories: [1, 2, 3].map((id) => ({ id, name: `c${id}` })),
  });
  objects.forEach(([categoryId, box, crowd], i) =>
    groundTruth.add({
      id: i + 1,
      imageId: 1,
      categoryId,
      box,
      area: box[2] * box[3],
      isCrowd: crowd === 1,
    }),
  );
  const detections = new CocoDetectionsBuilder();
  for (const [categoryId, box, score = 0.5] of found)
    detections.add({ imageId: 1, categoryId, box, score });
  return { groundTruth: groundTruth.build(), detections: detections.build() };
}

const A: XywhBox = [0, 0, 10, 10];
const NEAR_A: XywhBox = [0, 0, 10, 4]; // IoU 0.4
const B: XywhBox = [50, 50, 10, 10];
const NOWHERE: XywhBox = [80, 0, 5, 5];
const BOX = { iouType: 'bbox', iouThreshold: 0.5 } as const;

describe('errorBreakdown', () => {
  test.each([
    ['localisation', [[1, NEAR_A]]],
    ['classification', [[2, A]]],
    [
      'duplicate',
      [
        [1, A, 0.9],
        [1, A, 0.8],
      ],
    ],
    ['background', [[1, NOWHERE]]],
    ['both', [[2, NEAR_A]]],
  ] as [keyof typeof counted, Place[]][])('calls it %s', (kind, found) => {
    const { groundTruth, detections } = scene([[1, A]], found);
    const { counts, kindOf } = errorBreakdown(groundTruth, detections, BOX);
    const isReachable = kind === 'localisation' || kind === 'classification';
    expect(counts).toEqual({
      ...counted,
      [kind]: 1,
      missed: kind === 'duplicate' || isReachable ? 0 : 1,
    });
    expect(kindOf.at(-1)).toBe(kind);
  });
  const counted = Object.fromEntries(ERROR_KINDS.map((kind) => [kind, 0])) as Record<
    (typeof ERROR_KINDS)[number],
    number
  >;

  test('nothing is gained where all objects were missed, or none exist', () => {
    for (const { groundTruth, detections } of [
      scene([[1, A]], [[1, NOWHERE]]),
      scene([], [[1, A]]),
    ]) {
      const { AP, gains, special } = errorBreakdown(groundTruth, detections, BOX);
      expect(AP).toBe(groundTruth.ids.length === 0 ? NaN : 0);
      expect([...Object.values(gains), ...Object.values(special)]).toEqual(new Array(8).fill(0));
    }
  });

  test('gains are what AP would gain', () => {
    // Category 1: A is found, B is missed. Category 2: its object at B' is called category 1.
    const { groundTruth, detections } = scene(
      [
        [1, A],
        [2, B],
        [1, NOWHERE],
      ],
      [
        [1, A, 0.9],
        [1, B, 0.95],
      ],
    );
    const { AP, gains, counts, missed } = errorBreakdown(groundTruth, detections, BOX);
    // Category 1: false, true; recall 1/2 at precision 1/2 -> 51 of 101 recall points. Category 2: 0.
    const first = (51 / 101) * 0.5;
    expect(AP).toBeCloseTo(first / 2, 12);
    expect(counts.classification).toBe(1);
    expect(missed).toEqual([2]);
    // Put right: category 1 has precision 1 up to recall 1/2, and category 2 all.
    expect(gains.classification).toBeCloseTo((51 / 101 + 1) / 2 - first / 2, 12);
    // Not asked for: category 1 reaches recall 1 at precision 1/2.
    expect(gains.missed).toBeCloseTo(0.5 / 2 - first / 2, 12);
    expect(gains.duplicate).toBe(0);
  });

  test('crowds absorb detections and are not missed', () => {
    const { groundTruth, detections } = scene(
      [
        [1, A, 1],
        [1, B],
      ],
      [
        [1, A],
        [1, NEAR_A],
        [1, B],
      ],
    );
    const { counts, AP } = errorBreakdown(groundTruth, detections, BOX);
    expect(counts).toEqual(counted);
    expect(AP).toBeCloseTo(1, 12);
  });

  test('AP is that of the evaluation, and every false detection has one kind', () => {
    fc.assert(
      fc.property(
        anyProblem,
        fc.constantFrom('bbox' as const, 'segm' as const),
        (problem, iouType) => {
          const [groundTruth, detections] = [
            groundTruthOf(problem),
            detectionsOf(problem.detections),
          ];
          const breakdown = errorBreakdown(groundTruth, detections, { iouType, iouThreshold: 0.5 });
          const evaluator = new CocoEvaluator(
            groundTruth,
            cocoParameters(iouType, { strict: false }),
          );
          evaluator.update(detectionsOf(problem.detections.map((d, i) => ({ ...d, id: i + 1 }))));
          const result = evaluator.finish();
          if (result.stats[1] < 0) expect(breakdown.AP).toBeNaN();
          else expect(breakdown.AP).toBeCloseTo(result.stats[1], 10);
          const { missed: _, ...kinds } = breakdown.counts;
          const numFalse = breakdown.kindOf.filter((kind) => kind !== undefined).length;
          expect(Object.values(kinds).reduce((a, b) => a + b)).toBe(numFalse);
          for (const gain of Object.values(breakdown.gains)) expect(gain).toBeGreaterThanOrEqual(0);
          for (const gain of Object.values(breakdown.special)) expect(gain).not.toBeNaN();
        },
      ),
      { numRuns: 100 },
    );
  });

  test('keypoints are rejected', () => {
    const { groundTruth, detections } = scene([[1, A]], []);
    const options = { iouType: 'keypoints' as 'bbox', iouThreshold: 0.5 };
    expect(() => errorBreakdown(groundTruth, detections, options)).toThrow(ConfigError);
  });
});

describe('detectionConfusion', () => {
  test('counts ground truth by prediction, the background last', () => {
    const { groundTruth, detections } = scene(
      [
        [1, A],
        [2, B],
        [3, [20, 20, 10, 10]],
      ],
      [
        [1, A, 0.9],
        [3, B, 0.8],
        [2, NOWHERE, 0.7],
        [1, A, 0.2],
      ],
    );
    const { categoryIds, counts } = detectionConfusion(groundTruth, detections, {
      ...BOX,
      minScore: 0.5,
    });
    expect(categoryIds).toEqual([1, 2, 3]);
    expect([...counts]).toEqual([
      ...[1, 0, 0, 0],
      ...[0, 0, 1, 0],
      ...[0, 0, 0, 1],
      ...[0, 1, 0, 0],
    ]);
  });

  test('prefers the right category to a higher IoU', () => {
    const { groundTruth, detections } = scene(
      [
        [1, A],
        [2, [0, 0, 10, 9]],
      ],
      [[1, [0, 0, 10, 9]]],
    );
    expect([...detectionConfusion(groundTruth, detections, BOX).counts]).toEqual([
      ...[1, 0, 0, 0],
      ...[0, 0, 0, 1],
      ...[0, 0, 0, 0],
      ...[0, 0, 0, 0],
    ]);
  });

  test('rows sum to the objects, columns to the detections that found no crowd', () => {
    fc.assert(
      fc.property(anyProblem, (problem) => {
        const [groundTruth, detections] = [
          groundTruthOf(problem),
          detectionsOf(problem.detections),
        ];
        const { categoryIds, counts } = detectionConfusion(groundTruth, detections, BOX);
        const K = categoryIds.length;
        categoryIds.forEach((id, k) => {
          const row = counts.slice(k * (K + 1), (k + 1) * (K + 1)).reduce((a, b) => a + b, 0);
          const objects = problem.groundTruth.filter((t) => t.categoryId === id && !t.isCrowd);
          expect(row).toBe(objects.length);
          let column = 0;
          for (let r = 0; r <= K; r++) column += counts[r * (K + 1) + k];
          const found = problem.detections.filter((d) => d.categoryId === id).length;
          expect(column).toBeLessThanOrEqual(found);
          if (!problem.groundTruth.some((t) => t.isCrowd)) expect(column).toBe(found);
        });
      }),
      { numRuns: 100 },
    );
  });

  test('the diagonal holds the true positives of the curve at that score', () => {
    fc.assert(
      fc.property(anyProblem, (problem) => {
        const [groundTruth, detections] = [
          groundTruthOf(problem),
          detectionsOf(problem.detections),
        ];
        const evaluator = new CocoEvaluator(groundTruth, cocoParameters('bbox', { strict: false }));
        evaluator.update(detectionsOf(problem.detections.map((d, i) => ({ ...d, id: i + 1 }))));
        const curves = thresholdCurves(evaluator.finish());
        const { categoryIds, counts } = detectionConfusion(groundTruth, detections, {
          ...BOX,
          minScore: 0.5,
        });
        for (const { categoryId, scores, recall } of curves) {
          const k = categoryIds.indexOf(categoryId);
          const last = scores.filter((score) => score >= 0.5).length - 1;
          const total = problem.groundTruth.filter(
            (t) => t.categoryId === categoryId && !t.isCrowd,
          ).length;
          const numTrue = last < 0 ? 0 : recall[last] * total;
          expect(counts[k * (categoryIds.length + 1) + k]).toBeCloseTo(numTrue, 9);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('thresholdCurves', () => {
  const { groundTruth, detections } = scene(
    [
      [1, A],
      [1, B],
    ],
    [
      [1, A, 0.9],
      [1, NOWHERE, 0.8],
      [1, B, 0.8],
      [1, [60, 0, 5, 5], 0.1],
    ],
  );
  const evaluator = new CocoEvaluator(groundTruth, cocoParameters('bbox'));
  evaluator.update(detections);
  const result = evaluator.finish();

  test('have a point for every different score', () => {
    const [curve] = thresholdCurves(result);
    expect(curve.categoryId).toBe(1);
    expect([...curve.scores]).toEqual([0.9, 0.8, 0.1]);
    expect([...curve.precision]).toEqual([1, 2 / 3, 0.5]);
    expect([...curve.recall]).toEqual([0.5, 1, 1]);
    expect([...curve.f1]).toEqual([2 / 3, 0.8, 4 / 6]);
    expect(curve.best).toEqual({ score: 0.8, precision: 2 / 3, recall: 1, f1: 0.8 });
  });

  test('leave out categories without objects, and reject other thresholds', () => {
    expect(thresholdCurves(result)).toHaveLength(1);
    expect(() => thresholdCurves(result, 0.42)).toThrow('one of the IoU thresholds 0.5, 0.55');
  });

  test('average at any score', () => {
    const curves = thresholdCurves(result);
    expect(meanCurve(curves, [0.95, 0.85, 0])).toEqual([
      { score: 0.95, precision: 1, recall: 0, f1: 0 },
      { score: 0.85, precision: 1, recall: 0.5, f1: 2 / 3 },
      { score: 0, precision: 0.5, recall: 1, f1: 4 / 6 },
    ]);
  });
});
