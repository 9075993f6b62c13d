import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { XywhBox } from '../../../core/rle.js';
import { bestScores } from '../../../evaluation/coco/best-scores.js';
import { CocoEvaluator, type CocoResult } from '../../../evaluation/coco/evaluator.js';
import { matchImages } from '../../../evaluation/coco/match-images.js';
import { CocoDetectionsBuilder, CocoGroundTruthBuilder } from '../../../evaluation/coco/objects.js';
import { cocoParameters } from '../../../evaluation/coco/parameters.js';
import { anyProblem, detectionsOf, groundTruthOf } from './random-problem.js';

interface Found {
  readonly categoryId: number;
  readonly score: number;
  /** Object that it finds, of any category; −1 for none. */
  readonly object: number;
}

/** Objects of categories side by side in one image, and detections of them or of nothing. */
function evaluated(categoryIds: readonly number[], found: readonly Found[]): CocoResult {
  const ids = [...new Set([7, 3, ...categoryIds])];
  const groundTruth = new CocoGroundTruthBuilder({
    imageIds: Float64Array.of(1),
    imageHeights: Float64Array.of(100),
    imageWidths: Float64Array.of(10_000),
    categories: ids.map((id) => ({ id, name: `c${id}` })),
  });
  const boxOf = (i: number): XywhBox => (i < 0 ? [0, 60, 20, 20] : [30 * i, 0, 20, 20]);
  categoryIds.forEach((categoryId, i) =>
    groundTruth.add({ id: i + 1, imageId: 1, categoryId, box: boxOf(i), area: 400 }),
  );
  const detections = new CocoDetectionsBuilder();
  for (const { categoryId, score, object } of found)
    detections.add({ imageId: 1, categoryId, score, box: boxOf(object) });
  const evaluator = new CocoEvaluator(groundTruth.build(), cocoParameters('bbox'));
  evaluator.update(detections.build());
  return evaluator.finish();
}

const repeated = (categoryId: number, count: number): readonly number[] =>
  new Array<number>(count).fill(categoryId);

test('the score of the best F1 over all categories, halfway to the next lower one', () => {
  const found = [
    { categoryId: 7, score: 0.9, object: 0 },
    { categoryId: 7, score: 0.61239, object: 1 },
    { categoryId: 3, score: 0.5, object: -1 },
    { categoryId: 3, score: 0.4, object: -1 },
    { categoryId: 3, score: 0.3, object: 2 },
  ];
  // F1 at 0.9 … 0.3: 2/4, 4/5, 4/6, 4/7, 6/8.
  const best = bestScores(evaluated([7, 7, 3], found));
  expect(best).toEqual({ overall: 0.556, f1: 0.8, byCategory: new Map() });
});

test('few objects draw the score to the usual one, to whose F1 it belongs', () => {
  const found = [
    { categoryId: 7, score: 0.98, object: 0 },
    { categoryId: 7, score: 0.9, object: -1 },
    { categoryId: 7, score: 0.5, object: -1 },
  ];
  expect(bestScores(evaluated([7, 7], found))).toMatchObject({ overall: 0.94, f1: 2 / 3 });
  // Two of twenty objects: 0.1 · 0.94 + 0.9 · 0.3.
  const drawn = bestScores(evaluated([7, 7], found), { usual: 0.3 });
  expect(drawn).toMatchObject({ overall: 0.364, f1: 2 / 5 });
  const many = repeated(7, 20);
  expect(bestScores(evaluated(many, found), { usual: 0.3 })?.overall).toBe(0.94);
});

test('scores that differ in the fourth digit keep the one that is best', () => {
  const found = [
    { categoryId: 7, score: 0.7004, object: 0 },
    { categoryId: 7, score: 0.7001, object: -1 },
  ];
  expect(bestScores(evaluated([7], found))?.overall).toBe(0.7);
});

test('a category has a score of its own from 20 objects on', () => {
  const many = [...repeated(7, 20), ...repeated(3, 19)];
  const found = many.flatMap((categoryId, i): readonly Found[] => [
    { categoryId, score: categoryId === 7 ? 0.2 : 0.7, object: i },
    // Mistakes of category 3 at the scores at which 7 is right.
    ...(categoryId === 3 ? [{ categoryId, score: 0.25, object: -1 }] : []),
  ]);
  const best = bestScores(evaluated(many, found))!;
  expect(best.byCategory).toEqual(new Map([[7, 0.1]]));
  expect(best.overall).toBe(0.1);
  const more = bestScores(
    evaluated([...many, 3], [...found, { categoryId: 3, score: 0.7, object: 39 }]),
  )!;
  expect(more.byCategory).toEqual(
    new Map([
      [7, 0.1],
      [3, 0.475],
    ]),
  );
});

test('nothing right gives no score', () => {
  expect(bestScores(evaluated([7], []))).toBeUndefined();
  expect(bestScores(evaluated([7], [{ categoryId: 7, score: 1, object: -1 }]))).toBeUndefined();
  expect(bestScores(evaluated([], [{ categoryId: 7, score: 1, object: -1 }]))).toBeUndefined();
});

test('the overall score is the best of all by counting what it keeps', () => {
  fc.assert(
    fc.property(anyProblem, (problem) => {
      // In COCO's evaluation a match with the object of id 0 does not count.
      fc.pre(problem.groundTruth.every(({ id }) => id !== 0));
      // Nor is an object taken by a detection of an id below 1, which no reader gives.
      const numbered = problem.detections.map((detection, i) => ({ ...detection, id: i + 1 }));
      const [groundTruth, detections] = [groundTruthOf(problem), detectionsOf(numbered)];
      const parameters = cocoParameters('bbox', { iouThresholds: [0.5] });
      const evaluator = new CocoEvaluator(groundTruth, parameters);
      evaluator.update(detections);
      const best = bestScores(evaluator.finish());
      const f1Of = (minScore: number): number => {
        let [right, wrong, total] = [0, 0, 0];
        matchImages(
          groundTruth,
          detections,
          { iouType: 'bbox', iouThreshold: 0.5, minScore },
          ({ dts, gts, matchOf }) => {
            total += gts.filter((g) => !groundTruth.isCrowd[g]).length;
            dts.forEach((_, d) => {
              if (matchOf[d] < 0) wrong++;
              else if (!groundTruth.isCrowd[gts[matchOf[d]]]) right++;
            });
          },
        );
        return right === 0 ? 0 : (2 * right) / (right + wrong + total);
      };
      const all = [...new Set(detections.scores)].map((score) => f1Of(score));
      const highest = Math.max(0, ...all);
      expect(best?.f1 ?? 0).toBeCloseTo(highest, 12);
      if (best) expect(f1Of(best.overall)).toBeCloseTo(highest, 12);
    }),
    { numRuns: 300 },
  );
});
