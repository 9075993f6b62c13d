import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError, DataError } from '../../../core/errors.js';
import { CocoEvaluator, type CocoResult } from '../../../evaluation/coco/evaluator.js';
import { cocoParameters, type CocoParameters } from '../../../evaluation/coco/parameters.js';
import {
  addCocoPartialResult,
  cocoPartialResult,
} from '../../../evaluation/coco/partial-result.js';
import { decodePartialResult, encodePartialResult } from '../../../io/partial-result.js';
import { naiveCurves, type DetectionRecord, type Problem } from './naive-evaluation.js';
import { anyProblem, detectionsOf, groundTruthOf } from './random-problem.js';

const AREAS = [
  { name: 'all', min: 0, max: 1e10 },
  { name: 'small', min: 0, max: 4 },
  { name: 'large', min: 4, max: 16 },
];

const anyParameters: fc.Arbitrary<CocoParameters> = fc
  .record({
    iouType: fc.constantFrom('bbox' as const, 'segm' as const),
    iouThresholds: fc.constantFrom(
      [0.5],
      [0.25, 0.5, 1],
      Array.from({ length: 40 }, (_, i) => (i + 1) / 40), // more than one word of bits
    ),
    maxDetections: fc.constantFrom([1, 10, 100], [2], [1, 3]),
    useCategories: fc.boolean(),
    strict: fc.boolean(),
    imageIds: fc.constantFrom(undefined, [12, 3, 12], [99]),
    categoryIds: fc.constantFrom(undefined, [9, 5], [77, 2]),
  })
  .map(({ iouType, imageIds, categoryIds, ...changes }) =>
    cocoParameters(iouType, {
      ...changes,
      areaRanges: AREAS,
      recallPoints: [0, 0.1, 0.25, 0.5, 0.75, 1],
      ...(imageIds ? { imageIds } : {}),
      ...(categoryIds ? { categoryIds } : {}),
    }),
  );

function evaluate(problem: Problem, parameters: CocoParameters): CocoResult {
  const evaluator = new CocoEvaluator(groundTruthOf(problem), parameters);
  evaluator.update(detectionsOf(problem.detections));
  return evaluator.finish();
}

function listed({ curves }: CocoResult): {
  precision: number[];
  recall: number[];
  scores: number[];
} {
  return {
    precision: [...curves.precision],
    recall: [...curves.recall],
    scores: [...curves.scores],
  };
}

test('gives the curves of the slow evaluation, bit for bit', () => {
  fc.assert(
    fc.property(anyProblem, anyParameters, (problem, parameters) => {
      expect(listed(evaluate(problem, parameters))).toEqual(naiveCurves(problem, parameters));
    }),
    { numRuns: 150 },
  );
});

describe('batches of a data set', () => {
  const split = (problem: Problem, turn: number): DetectionRecord[][] => {
    const ids = [...problem.imageIds.slice(turn), ...problem.imageIds.slice(0, turn)];
    return ids.map((id) => problem.detections.filter(({ imageId }) => imageId === id));
  };

  test('give the same as the whole, in any order', () => {
    fc.assert(
      fc.property(anyProblem, anyParameters, fc.nat(2), (problem, parameters, turn) => {
        const evaluator = new CocoEvaluator(groundTruthOf(problem), parameters);
        for (const portion of split(problem, turn)) evaluator.update(detectionsOf(portion));
        expect(listed(evaluator.finish())).toEqual(listed(evaluate(problem, parameters)));
      }),
      { numRuns: 60 },
    );
  });

  test('give the same as the whole when they are written and merged', () => {
    fc.assert(
      fc.property(anyProblem, anyParameters, fc.nat(2), (problem, parameters, turn) => {
        const groundTruth = groundTruthOf(problem);
        const parts = split(problem, turn).map((portion) => {
          const evaluator = new CocoEvaluator(groundTruth, parameters);
          evaluator.update(detectionsOf(portion));
          return encodePartialResult(cocoPartialResult(evaluator));
        });
        const merged = new CocoEvaluator(groundTruth, parameters);
        for (const part of parts) addCocoPartialResult(merged, decodePartialResult(part, 'part'));
        expect(listed(merged.finish())).toEqual(listed(evaluate(problem, parameters)));
      }),
      { numRuns: 40 },
    );
  });

  test('finish can be called repeatedly', () => {
    const problem = oneObject({});
    const evaluator = new CocoEvaluator(groundTruthOf(problem), cocoParameters('bbox'));
    evaluator.update(detectionsOf(problem.detections));
    expect(evaluator.finish().stats).toEqual(evaluator.finish().stats);
  });

  test('are refused when an image comes twice', () => {
    const problem = oneObject({});
    const evaluator = new CocoEvaluator(groundTruthOf(problem), cocoParameters('bbox'));
    evaluator.update(detectionsOf(problem.detections));
    expect(() => evaluator.update(detectionsOf(problem.detections))).toThrow(
      'expected all detections of image 4 at once, got some of them before',
    );
  });

  test('are refused when they were made with other parameters', () => {
    const groundTruth = groundTruthOf(oneObject({}));
    const other = new CocoEvaluator(groundTruth, cocoParameters('bbox', { iouThresholds: [0.5] }));
    const evaluator = new CocoEvaluator(groundTruth, cocoParameters('bbox'));
    expect(() => addCocoPartialResult(evaluator, cocoPartialResult(other))).toThrow(ConfigError);
    expect(() => addCocoPartialResult(evaluator, cocoPartialResult(other))).toThrow(
      'got one with iouThresholds [0.5] instead of [0.5,0.55',
    );
  });
});

/** One ground truth of 10 x 10 pixels and one detection of it. */
function oneObject(change: {
  detections?: Partial<DetectionRecord>[];
  groundTruth?: Partial<Problem['groundTruth'][number]>[];
}): Problem {
  const mask = { height: 1, width: 1, counts: Uint32Array.of(0, 1) };
  const common = { imageId: 4, categoryId: 1, box: [0, 0, 10, 10] as const, area: 100, mask };
  return {
    imageIds: [4],
    categoryIds: [1],
    groundTruth: (change.groundTruth ?? [{}]).map((t, i) => ({
      ...common,
      id: i + 1,
      isCrowd: false,
      ...t,
    })),
    detections: (change.detections ?? [{}]).map((d, i) => ({
      ...common,
      id: i + 1,
      score: 0.5,
      ...d,
    })),
  };
}

describe('by hand', () => {
  test('one matched object has AP 1, except for the spacing in the precision', () => {
    const { stats } = evaluate(oneObject({}), cocoParameters('bbox'));
    expect(stats[0]).toBeCloseTo(1, 12);
    expect(stats[3]).toBeCloseTo(1, 12);
    expect(stats.slice(4, 6)).toEqual([-1, -1]);
    expect(stats[8]).toBe(1);
  });

  test('a false detection of higher score halves the precision', () => {
    const detections = [{ box: [50, 50, 10, 10] as const, score: 0.9 }, {}];
    const { stats, perCategory } = evaluate(oneObject({ detections }), cocoParameters('bbox'));
    expect(stats[0]).toBeCloseTo(0.5, 12);
    expect(perCategory).toHaveLength(1);
    expect(perCategory[0].AP50).toBeCloseTo(0.5, 12);
    expect(perCategory[0].AR).toBe(1);
  });

  test('no detections give AP 0, no ground truth gives −1', () => {
    expect(evaluate(oneObject({ detections: [] }), cocoParameters('bbox')).stats[0]).toBe(0);
    expect(evaluate(oneObject({ groundTruth: [] }), cocoParameters('bbox')).stats).toEqual(
      new Array(12).fill(-1),
    );
  });

  test('a crowd absorbs any number of detections, which are ignored', () => {
    const crowd = { box: [50, 50, 20, 20] as const, area: 400, isCrowd: true };
    const inside = { box: [52, 52, 5, 5] as const, area: 25, score: 0.9 };
    const problem = oneObject({
      groundTruth: [{}, crowd],
      detections: [inside, inside, inside, {}],
    });
    expect(evaluate(problem, cocoParameters('bbox')).stats[0]).toBeCloseTo(1, 12);
  });

  test('a ground truth with id 0 is never found, unless strictness is off', () => {
    const problem = oneObject({ groundTruth: [{ id: 0 }] });
    expect(evaluate(problem, cocoParameters('bbox')).stats[0]).toBe(0);
    const lenient = cocoParameters('bbox', { strict: false });
    expect(evaluate(problem, lenient).stats[0]).toBeCloseTo(1, 12);
  });
});

describe('errors', () => {
  test.each([
    [
      { groundTruth: [{ id: 5 }, { id: 5 }] },
      'annotation 5: expected unique ids, got this one twice',
    ],
    [{ groundTruth: [{ imageId: 8 }] }, 'annotation 1: expected a known image_id, got 8'],
    [{ groundTruth: [{ categoryId: 8 }] }, 'annotation 1: expected a known category_id, got 8'],
    [{ groundTruth: [{ area: NaN }] }, 'annotation 1: expected a finite area, got NaN'],
    [
      { detections: [{}, { score: NaN }] },
      'score of detection 2: expected finite numbers, got NaN',
    ],
    [
      { detections: [{ box: [0, 0, Infinity, 1] as const }] },
      'box of detection 1: expected finite',
    ],
  ])('%j is refused', (change, message) => {
    expect(() => evaluate(oneObject(change), cocoParameters('bbox'))).toThrow(DataError);
    expect(() => evaluate(oneObject(change), cocoParameters('bbox'))).toThrow(message);
  });

  test.each([
    [{ maxDetections: [10, 1] }, 'maxDetections as ascending whole numbers > 0, got [10, 1]'],
    [{ maxDetections: [] }, 'finite maxDetections, got []'],
    [{ iouThresholds: [NaN] }, 'finite iouThresholds, got [NaN]'],
    [{ areaRanges: [{ name: 'a', min: 2, max: 1 }] }, 'areaRanges [min, max] with min <= max'],
  ])('parameters %j are refused', (changes, message) => {
    const parameters = cocoParameters('bbox', changes);
    expect(() => evaluate(oneObject({}), parameters)).toThrow(ConfigError);
    expect(() => evaluate(oneObject({}), parameters)).toThrow(message);
  });

  test('compared fields are required', () => {
    const { mask: _, ...bare } = { ...oneObject({}).detections[0] };
    const evaluator = new CocoEvaluator(groundTruthOf(oneObject({})), cocoParameters('segm'));
    expect(() => evaluator.update(detectionsOf([bare as DetectionRecord]))).toThrow(
      'expected masks in the detections, got none',
    );
    const keypoints = cocoParameters('keypoints');
    expect(() => evaluate(oneObject({}), keypoints)).toThrow('expected 17 keypoints');
  });

  test('a partial result that is cut off or made up is refused', () => {
    const evaluator = new CocoEvaluator(groundTruthOf(oneObject({})), cocoParameters('bbox'));
    evaluator.update(detectionsOf(oneObject({}).detections));
    const bytes = encodePartialResult(cocoPartialResult(evaluator));
    for (let length = 0; length < bytes.length; length += 5)
      expect(() => decodePartialResult(bytes.subarray(0, length), 'p')).toThrow(
        'p: expected an evaluation part',
      );
    const { arrays, ...rest } = cocoPartialResult(evaluator);
    const other = new CocoEvaluator(groundTruthOf(oneObject({})), cocoParameters('bbox'));
    const wrong = { ...arrays, categories: Int32Array.of(7) };
    expect(() => addCocoPartialResult(other, { ...rest, arrays: wrong })).toThrow(
      'the matches of a COCO',
    );
    const { scores: _, ...missing } = arrays;
    expect(() => addCocoPartialResult(other, { ...rest, arrays: missing })).toThrow(
      'an array scores, got none',
    );
  });
});
